// SPDX-License-Identifier: Apache-2.0
//
// Heartbeat: when to say that we live, and when to stop believing that the peer does.
//
// As RabbitMQ does it: a heartbeat is sent when nothing else was for half the interval; the peer is
// looked after once an interval, and is given up when it was silent in two looks running. Any byte
// counts as a sign of life. RabbitMQ: heartbeats.
//
// Thread: the connection's worker. Pure: times go in.

#pragma once

#include "base/clock.h"

#include <cstdint>

namespace leveret {

class Heartbeat {
 public:
  enum class Verdict { quiet, send, peer_is_gone };

  /// Interval zero turns heartbeats off.
  void start(Duration interval, Time now, std::uint64_t sent_bytes, std::uint64_t received_bytes) {
    interval_ = interval;
    sent_bytes_ = sent_bytes;
    received_bytes_ = received_bytes;
    next_send_ = now + interval / 2;
    next_look_ = now + interval;
    silent_looks_ = 0;
  }
  [[nodiscard]] bool is_on() const { return interval_ > Duration::zero(); }
  /// When to call on_time() next. Requires: is_on().
  [[nodiscard]] Time deadline() const { return next_send_ < next_look_ ? next_send_ : next_look_; }

  [[nodiscard]] Verdict on_time(Time now, std::uint64_t sent_bytes, std::uint64_t received_bytes) {
    constexpr int silent_looks_max = 1;
    if (now >= next_look_) {
      next_look_ = now + interval_;
      silent_looks_ = received_bytes == received_bytes_ ? silent_looks_ + 1 : 0;
      received_bytes_ = received_bytes;
      if (silent_looks_ > silent_looks_max) return Verdict::peer_is_gone;
    }
    if (now >= next_send_) {
      next_send_ = now + interval_ / 2;
      const bool was_silent = sent_bytes == sent_bytes_;
      sent_bytes_ = sent_bytes;
      if (was_silent) return Verdict::send;
    }
    return Verdict::quiet;
  }

 private:
  Duration interval_{};
  Time next_send_{};
  Time next_look_{};
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  int silent_looks_ = 0;
};

}  // namespace leveret
