// SPDX-License-Identifier: Apache-2.0
#include "vhost/pid_text.h"

#include <cstdint>

#include <fmt/format.h>

namespace leveret {
namespace {

// The kind stands last: ids of different kinds count on their own.
template <class Id>
std::string pid(std::string_view node, Id id, int kind) {
  constexpr std::uint64_t serial_mask = (std::uint64_t{1} << 48) - 1;
  return fmt::format("<{}.{}.{}.{}>", node, home_of(id).value(), id.value() & serial_mask, kind);
}

}  // namespace

std::string pid_text(std::string_view node, ConnectionId id) { return pid(node, id, 0); }
std::string pid_text(std::string_view node, ChannelId id) { return pid(node, id, 1); }
std::string pid_text(std::string_view node, QueueId id) { return pid(node, id, 2); }

}  // namespace leveret
