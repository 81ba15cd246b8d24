// SPDX-License-Identifier: Apache-2.0
//
// A whole connection: any bytes from a client, cut anywhere, into a broker of one worker.
//
// The first byte says whether a good handshake and two open channels come before the rest, so that
// the fuzzer need not find them, and whether an alarm comes and goes meanwhile; the second is the
// seed of the cuts and of the time that passes.
// Whatever is said, the client hears whole frames of the size that was agreed upon (the TestClient
// looks), and when its transport goes nothing of it stays: no channel, no consumer, no
// unacknowledged message, no exclusive queue.

#include "session/testing/client.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace leveret::testing {
namespace {

class Conversation {
 public:
  Conversation(TestBroker& broker, std::uint8_t opening, std::uint8_t seed)
      : broker_(broker), engine_(seed), client_(broker, 0, options()) {
    constexpr std::uint8_t with_handshake = 1;
    constexpr std::uint8_t with_channels = 2;
    constexpr std::uint8_t with_alarms = 4;
    has_alarms_ = (opening & with_alarms) != 0;
    if ((opening & with_handshake) == 0) return;
    client_.handshake();
    if ((opening & with_channels) == 0) return;
    client_.open_channel(1);
    client_.open_channel(2);
  }

  void say(std::span<const std::byte> bytes) {
    client_.send_bytes(bytes);
    cut_anew();
    while (broker_.step()) {
      cut_anew();
      if (has_alarms_ && engine_() % 8 == 0) turn_alarm();
    }
    broker_.clear_alarm("memory");
    is_alarm_on_ = false;
    broker_.settle();
    broker_.clock().advance(std::chrono::seconds(engine_() % 40));
    broker_.settle();
  }

  void end() {
    client_.cut();
    broker_.settle();
    LEVERET_ASSERT(client_.times_finished() == 1, "finished {} times", client_.times_finished());
  }

 private:
  static TestClient::Options options() {
    TestClient::Options options{.frame_max = 8192, .channel_max = 4, .heartbeat_seconds = 10};
    options.session.frame_max = 8192;
    options.session.message_bytes_max = 32 * 1024;
    return options;
  }
  void cut_anew() {
    const auto chance = engine_();
    client_.set_bytes_per_turn(chance % 4 == 0 ? 4096 : 1 + chance / 4 % 60);
  }

  void turn_alarm() {
    if (std::exchange(is_alarm_on_, !is_alarm_on_)) {
      broker_.clear_alarm("memory");
    } else {
      broker_.raise_alarm("memory", "low on memory");
    }
  }

  TestBroker& broker_;
  std::mt19937 engine_;
  bool has_alarms_ = false;
  bool is_alarm_on_ = false;
  TestClient client_;
};

/// What a client may leave on purpose: queues and exchanges that were not its own alone.
void clear(TestBroker& broker) {
  const Registry::VhostEntry& world = broker.registry().vhosts().find("/")->second;
  std::vector<std::string> queues;
  for (const auto& [name, entry] : world.queues) {
    LEVERET_ASSERT(!entry.handle->is_exclusive(), "the exclusive queue '{}' has stayed", name);
    LEVERET_ASSERT(!entry.is_being_deleted, "queue '{}' is half deleted", name);
    queues.push_back(name);
  }
  std::vector<std::string> exchanges;
  for (const auto& [name, entry] : world.exchanges) {
    if (!name.empty() && !has_reserved_prefix(name)) exchanges.push_back(name);
  }
  broker.as(0, [&] {
    for (const std::string& name : queues) {
      broker.registry().delete_queue(
          {.vhost = "/", .name = name},
          [](amqp::AmqpResult<std::uint64_t> deleted) { LEVERET_ASSERT(deleted.has_value()); });
    }
    for (const std::string& name : exchanges) {
      broker.registry().delete_exchange(
          {.vhost = "/", .name = name},
          [](amqp::AmqpResult<void> deleted) { LEVERET_ASSERT(deleted.has_value()); });
    }
  });
  broker.settle();
  // Bindings between exchanges that nobody may delete.
  std::vector<BindingPtr> bindings;
  for (const auto& [properties, binding] : world.bindings) bindings.push_back(binding);
  broker.as(0, [&] {
    for (const BindingPtr& binding : bindings) {
      broker.registry().change_binding(
          {.binding = *binding, .is_unbind = true},
          [](amqp::AmqpResult<void> unbound) { LEVERET_ASSERT(unbound.has_value()); });
    }
  });
  broker.settle();
}

void run(std::span<const std::byte> input) {
  constexpr std::size_t own_bytes = 2;
  if (input.size() < own_bytes) return;
  static TestBroker broker;  // A start is a hundred times what a conversation costs.
  {
    Conversation conversation(broker, std::to_integer<std::uint8_t>(input[0]),
                              std::to_integer<std::uint8_t>(input[1]));
    conversation.say(input.subspan(own_bytes));
    conversation.end();
  }
  LEVERET_ASSERT(broker.connection_count() == 0);
  LEVERET_ASSERT(broker.shard(0).channel_count() == 0);
  LEVERET_ASSERT(broker.shard(0).held_publish_bytes() == 0);
  const QueueCounts totals = broker.totals();
  LEVERET_ASSERT(totals.unacked == 0, "{} messages are held by nobody", totals.unacked);
  LEVERET_ASSERT(totals.consumers == 0, "{} consumers of nobody", totals.consumers);
  clear(broker);
  LEVERET_ASSERT(broker.queue_count() == 0);
  LEVERET_ASSERT(broker.registry().vhosts().find("/")->second.bindings.empty());
}

}  // namespace
}  // namespace leveret::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::testing::run(std::as_bytes(std::span(data, size)));
  return 0;
}
