// SPDX-License-Identifier: Apache-2.0
//
// KeepAlive: when to say that we live, and when to stop believing that the broker does.
//
// As pika does it: a heartbeat is sent when nothing else was for half the negotiated time; the
// broker is given up when not a byte came for that time and five seconds. RabbitMQ: heartbeats.
//
// Thread: whoever has the session. Pure: times go in.

#pragma once

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace leveret::client {

class KeepAlive {
 public:
  enum class Verdict { quiet, send, broker_is_gone };

  /// Zero turns it off.
  void start(std::chrono::seconds timeout, Time now, std::uint64_t said_bytes) {
    timeout_ = timeout;
    heard_ = now;
    next_send_ = now + timeout_ / 2;
    said_bytes_ = said_bytes;
  }
  [[nodiscard]] bool is_on() const { return timeout_ > Duration::zero(); }
  void note_heard(Time now) { heard_ = now; }
  /// We do not listen, so that silence says nothing.
  void note_deaf(Time now) { heard_ = std::max(heard_, now); }

  /// When to call on_time() next. Requires: is_on().
  [[nodiscard]] Time deadline() const { return std::min(next_send_, heard_ + patience()); }
  [[nodiscard]] Verdict on_time(Time now, std::uint64_t said_bytes) {
    if (now >= heard_ + patience()) return Verdict::broker_is_gone;
    if (now < next_send_) return Verdict::quiet;
    next_send_ = now + timeout_ / 2;
    const bool was_silent = said_bytes == said_bytes_;
    said_bytes_ = said_bytes;
    return was_silent ? Verdict::send : Verdict::quiet;
  }

 private:
  [[nodiscard]] Duration patience() const { return timeout_ + std::chrono::seconds(5); }

  Duration timeout_{};
  Time heard_{};
  Time next_send_{};
  std::uint64_t said_bytes_ = 0;
};

}  // namespace leveret::client
