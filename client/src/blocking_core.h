// SPDX-License-Identifier: Apache-2.0
//
// BlockingCore: what the handles of a BlockingConnection share: the link, and the events that wait
// until a thread of the program comes for them.
//
//   I/O thread:  a listener puts an Event into the inbox
//   program:     dispatch() takes one after the other and runs it, without the lock
//
// The inbox is bounded: while it holds more than inbox_bytes_max, and no call waits for an answer,
// nothing is read from the socket. The broker then waits as it does for any slow consumer.
//
// Thread: any; what is not a function is guarded by the link's lock.

#pragma once

#include "client/src/link.h"
#include "leveret/blocking_connection.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace leveret::client {

class ChannelState;

/// Something to run for the program: a delivery to a consumer, or anything else.
struct Event {
  std::shared_ptr<ChannelState> channel;  ///< Null: `action` is to be run.
  Delivery delivery;
  std::function<void()> action;
};

class BlockingCore final : public SessionListener {
 public:
  explicit BlockingCore(const ConnectionParameters& parameters)
      : close_timeout(parameters.stack_timeout), link(parameters, *this) {}

  // SessionListener
  void on_open() override {}
  void on_blocked(std::string_view reason) override;
  void on_unblocked() override;
  void on_closed(const Failure& failure) override { failure_ = failure; }

  // All that follows requires the lock.

  void add(Event event);
  void add_action(std::function<void()> action) {
    add({.channel = {}, .action = std::move(action)});
  }
  /// All that nobody has come for; to be let go without the lock.
  [[nodiscard]] std::deque<Event> take_all() { return std::exchange(inbox_, {}); }
  /// Takes the deliveries to a consumer out of the inbox.
  [[nodiscard]] std::vector<Delivery> take_deliveries(const ChannelState& channel,
                                                      std::string_view consumer_tag);
  /// Calls `ask` with a handler and waits for the answer; throws the failure. `take` sees the
  /// answer.
  void call(Link::Lock& lock, const std::function<void(AnswerHandler)>& ask,
            const std::function<void(const Answer&)>& take = {});
  /// Waits for `is_so`, or for the end, which it throws.
  void wait_for(Link::Lock& lock, const std::function<bool()>& is_so);
  /// Runs all that waits; when nothing does, waits for something until `deadline`, or until
  /// `is_done`. Throws what has ended the connection when nothing is left to run, and what a
  /// callback throws.
  void dispatch(
      Link::Lock& lock, std::optional<Time> deadline,
      const std::function<bool()>& is_done = [] { return false; });
  /// Throws ReentrancyError when the thread is in a callback.
  void check_may_dispatch(std::string_view what) const;
  /// Throws what has ended the connection.
  void check_open() const;

  /// Those that are open; else a channel whose handles were let go would be gone from under the
  /// session.
  std::map<std::uint16_t, std::shared_ptr<ChannelState>> channels;
  struct Timer {
    Time at;
    std::function<void()> callback;
  };
  std::map<std::uint64_t, Timer> timers;
  std::uint64_t next_timer = 1;
  std::uint64_t next_tag = 1;
  std::function<void(const std::string&)> on_blocked_callback;
  std::function<void()> on_unblocked_callback;
  const std::chrono::milliseconds close_timeout;

  Link link;  // Last: its thread has ended before what it calls is gone.

 private:
  static constexpr std::size_t inbox_bytes_max = 16 * 1024 * 1024;

  [[nodiscard]] static std::size_t bytes_of(const Event& event) {
    return sizeof event + event.delivery.body.size();
  }
  void collect_timers(Time now);
  [[nodiscard]] std::optional<Time> sooner(std::optional<Time> deadline) const;
  void run_next(Link::Lock& lock);
  void look_at_inbox();

  std::optional<Failure> failure_;  // What has ended the connection.
  std::deque<Event> inbox_;
  std::size_t inbox_bytes_ = 0;
  int waiting_calls_ = 0;
  std::optional<std::thread::id> dispatching_;  // Whose callbacks run.
};

}  // namespace leveret::client
