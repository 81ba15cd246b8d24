// SPDX-License-Identifier: Apache-2.0
//
// Alarms: what the node is short of. While any alarm is on, publishers are blocked on every worker
// (session/blocking.cc); nothing else is. RabbitMQ: alarms.
//
// Whoever watches a resource raises and clears its alarm by name: the server's monitor "memory" and
// "disk". The names are keys and go into the log and the API; the reason is what clients are told.
//
// Thread: Alarms the control worker, every method; AlarmSet immutable, shared by all workers.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret {

class Broker;

struct Alarm {
  std::string name;    ///< "memory"
  std::string reason;  ///< "low on memory"
};

/// The alarms that are on at one moment, by name.
class AlarmSet {
 public:
  AlarmSet() = default;
  /// Requires: sorted by name, each once.
  explicit AlarmSet(std::vector<Alarm> alarms) : alarms_(std::move(alarms)) {}

  [[nodiscard]] bool is_empty() const { return alarms_.empty(); }
  [[nodiscard]] bool contains(std::string_view name) const;
  [[nodiscard]] std::span<const Alarm> alarms() const { return alarms_; }
  /// What connection.blocked says: "low on memory", "low on disk & memory". Other reasons than
  /// shortages follow behind a semicolon.
  [[nodiscard]] std::string reason() const;

 private:
  std::vector<Alarm> alarms_;
};
using AlarmSetPtr = std::shared_ptr<const AlarmSet>;

/// The one place where alarms go on and off. Every change is one line in the log and one task to
/// each worker, which takes effect in a later turn, never inside raise() or clear().
class Alarms {
 public:
  /// Borrows the broker, which owns it.
  explicit Alarms(Broker& broker) : broker_(broker) {}

  /// Turns an alarm on; one that is on for another reason changes its reason, one that is on for
  /// this reason stays as it is. `numbers` goes into the log: "used=123 limit=100".
  void raise(std::string_view name, std::string_view reason, std::string_view numbers);
  /// Turns it off, if it was on.
  void clear(std::string_view name, std::string_view numbers);
  [[nodiscard]] const AlarmSet& now_on() const { return *now_on_; }

 private:
  void tell(std::vector<Alarm> alarms);

  Broker& broker_;
  AlarmSetPtr now_on_ = std::make_shared<const AlarmSet>();
};

}  // namespace leveret
