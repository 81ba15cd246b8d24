// SPDX-License-Identifier: Apache-2.0
#include "vhost/reply_addresses.h"

#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace leveret {

std::string make_reply_address(ChannelId channel, std::string_view secret) {
  return fmt::format("{}.{:x}.{}", reply_queue_name, channel.value(), secret);
}

std::optional<ChannelId> channel_of_reply_address(std::string_view address) {
  if (!is_reply_address(address)) return std::nullopt;
  const std::string_view rest = address.substr(reply_queue_name.size() + 1);
  std::uint64_t channel = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), channel, 16);
  if (error != std::errc() || end == rest.data() + rest.size() || *end != '.') return std::nullopt;
  return ChannelId(channel);
}

}  // namespace leveret
