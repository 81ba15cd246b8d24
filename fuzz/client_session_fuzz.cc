// SPDX-License-Identifier: Apache-2.0
//
// Bytes from a broker that cannot be trusted, into a client's Session: first byte: how far the talk
// had come; second: into pieces of which size the rest is cut. Whatever comes, each call is
// answered once, each end is told once, and nothing is told after it.
#include "client/src/testing/scripted_broker.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace leveret;
using client::testing::ScriptedBroker;

void check(bool is_so) {
  if (!is_so) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool is_open = (data[0] & 1) != 0;
  const bool is_closing = (data[0] & 2) != 0;
  const std::size_t piece_bytes = std::size_t{1} + data[1];
  std::span<const std::byte> bytes = std::as_bytes(std::span(data + 2, size - 2));

  ScriptedBroker broker;
  int asked = 0;
  int answered = 0;
  const auto count = [&](auto&&) { ++answered; };
  if (is_open) {
    broker.open();
    client::Channel& channel = broker.open_channel();
    channel.call(amqp::ConfirmSelect{}, count);
    channel.publish({.properties = amqp::no_properties});
    channel.call(amqp::BasicGet{.queue = "q"}, count);
    channel.call(amqp::QueueDeclare{.queue = "q"}, count);
    broker.session.update_secret("s", "r", count);
    asked = 4;
    if (is_closing) {
      channel.close(200, "", count);
      ++asked;
    }
  } else {
    broker.session.begin();
  }
  while (!bytes.empty()) {
    const std::size_t piece = std::min(piece_bytes, bytes.size());
    broker.give(bytes.first(piece));
    bytes = bytes.subspan(piece);
    broker.session.output().clear();
  }
  broker.now += std::chrono::hours(1);
  broker.session.on_time(broker.now);
  broker.session.on_stream_lost("the input's end");
  check(answered == asked);
  check(broker.session.is_over());
  check(broker.heard.back().starts_with("closed"));
  check(broker.failures.size() <= 2);
  return 0;
}
