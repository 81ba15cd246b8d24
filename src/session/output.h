// SPDX-License-Identifier: Apache-2.0
//
// Output: what a connection has to say and has not yet written, as pieces for one gathering write.
//
// Small things are encoded into chunks; long bodies are not copied but referred to, and their
// message is held until they are written. A connection with nothing to say holds no chunk: chunks
// come from the worker's pool and go back.
//
// Thread: the connection's worker. Owns: chunks and holds on messages. Borrows: the pool.

#pragma once

#include "base/deque.h"
#include "message/message.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sys/uio.h>

namespace leveret {

/// Spare chunks of one worker. Bounded: what is beyond goes back to the allocator.
class ChunkPool {
 public:
  static constexpr std::size_t chunk_bytes = 64 * 1024;
  static constexpr std::size_t spare_chunks_max = 64;
  using Chunk = std::unique_ptr<std::byte[]>;

  [[nodiscard]] Chunk take();
  void give_back(Chunk chunk);
  /// Frees the spare ones.
  void shrink() { std::vector<Chunk>().swap(spare_); }

 private:
  std::vector<Chunk> spare_;
};

class Output {
 public:
  explicit Output(ChunkPool& pool) : pool_(pool) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// `bytes` of memory to encode into; then commit() what was used. The memory stands until
  /// commit().
  [[nodiscard]] std::byte* reserve(std::size_t bytes);
  void commit(std::size_t bytes);
  /// Copies bytes in.
  void append(std::span<const std::byte> bytes);
  /// Refers to bytes of `message`, which is held until they are written.
  void append(const MessagePtr& message, std::span<const std::byte> bytes);

  /// Bytes that wait to be written.
  [[nodiscard]] std::size_t pending_bytes() const { return pending_bytes_; }
  /// Points `pieces` at what waits, in order; returns how many are used.
  std::size_t gather(std::span<iovec> pieces) const;
  /// The first `bytes` of what waits have been written.
  void on_written(std::size_t bytes);
  /// Forgets all that waits.
  void clear();

 private:
  struct Piece {
    const std::byte* data = nullptr;
    std::size_t bytes = 0;
    MessagePtr message;      // Holds what `data` points into, or
    ChunkPool::Chunk chunk;  // ends with this piece.
    bool is_pooled = true;   // `chunk` is of the pool's size and goes back there.
  };

  void retire_chunk();
  void release(Piece& piece);

  ChunkPool& pool_;
  Deque<Piece> pieces_;
  ChunkPool::Chunk chunk_;  // Being filled.
  std::size_t chunk_capacity_ = 0;
  std::size_t chunk_used_ = 0;
  std::size_t written_of_first_ = 0;
  std::size_t pending_bytes_ = 0;
};

}  // namespace leveret
