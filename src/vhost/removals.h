// SPDX-License-Identifier: Apache-2.0
//
// Removals: messages that an operator takes out of a queue, one at a time, and is told when they
// are gone for sure.
//
// Thread: its worker. Owns: who waits. Borrows: the shard.

#pragma once

#include "message/ids.h"
#include "vhost/ports.h"

#include <cstdint>
#include <functional>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class Shard;
class Queue;

class Removals final : public ConfirmSink {
 public:
  explicit Removals(Shard& shard);
  ~Removals() override;
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  enum class Outcome : std::uint8_t {
    removed,    ///< As safely as the queue keeps its messages.
    not_there,  ///< There is no such message, or no such queue.
    unsafe,     ///< It is out, but the disk has failed: the next start may find it again.
  };
  /// `queue` null: it has gone. `done` is called once, perhaps before this returns.
  void remove(Queue* queue, MessageSeq seq, std::move_only_function<void(Outcome)> done);

 private:
  // ConfirmSink
  void on_confirmed(std::uint64_t first_sequence, std::uint32_t count, bool is_accepted) override;

  Shard& shard_;
  const ChannelId channel_;
  std::uint64_t last_sequence_ = 0;
  boost::unordered_flat_map<std::uint64_t, std::move_only_function<void(Outcome)>> waiting_;
};

}  // namespace leveret
