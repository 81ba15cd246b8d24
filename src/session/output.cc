// SPDX-License-Identifier: Apache-2.0
#include "session/output.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace leveret {

ChunkPool::Chunk ChunkPool::take() {
  if (spare_.empty()) return std::make_unique_for_overwrite<std::byte[]>(chunk_bytes);
  Chunk chunk = std::move(spare_.back());
  spare_.pop_back();
  return chunk;
}

void ChunkPool::give_back(Chunk chunk) {
  if (spare_.size() < spare_chunks_max) spare_.push_back(std::move(chunk));
}

Output::~Output() { clear(); }

std::byte* Output::reserve(std::size_t bytes) {
  if (chunk_used_ + bytes > chunk_capacity_) [[unlikely]] {
    retire_chunk();
    // What is larger than a chunk is rare (a huge table) and gets memory of its own.
    const bool is_pooled = bytes <= ChunkPool::chunk_bytes;
    chunk_ = is_pooled ? pool_.take() : std::make_unique_for_overwrite<std::byte[]>(bytes);
    chunk_capacity_ = is_pooled ? ChunkPool::chunk_bytes : bytes;
  }
  return chunk_.get() + chunk_used_;
}

void Output::commit(std::size_t bytes) {
  LEVERET_DEBUG_ASSERT(chunk_used_ + bytes <= chunk_capacity_);
  const std::byte* data = chunk_.get() + chunk_used_;
  // A piece may end where the next chunk begins, when the one before was filled to its last byte
  // and memory has both side by side. It holds that one chunk, and ends with it.
  const bool is_chunks_first = chunk_used_ == 0;
  chunk_used_ += bytes;
  pending_bytes_ += bytes;
  if (!is_chunks_first && !pieces_.empty() && !pieces_.back().message &&
      pieces_.back().data + pieces_.back().bytes == data) {
    pieces_.back().bytes += bytes;
  } else {
    pieces_.push_back({.data = data, .bytes = bytes});
  }
}

void Output::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Output::append(const MessagePtr& message, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  pieces_.push_back({.data = bytes.data(), .bytes = bytes.size(), .message = message});
  pending_bytes_ += bytes.size();
}

std::size_t Output::gather(std::span<iovec> pieces) const {
  const std::size_t count = std::min(pieces.size(), pieces_.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t skipped = i == 0 ? written_of_first_ : 0;
    pieces[i].iov_base = const_cast<std::byte*>(pieces_[i].data + skipped);
    pieces[i].iov_len = pieces_[i].bytes - skipped;
  }
  return count;
}

void Output::on_written(std::size_t bytes) {
  LEVERET_ASSERT(bytes <= pending_bytes_);
  pending_bytes_ -= bytes;
  written_of_first_ += bytes;
  while (!pieces_.empty() && written_of_first_ >= pieces_.front().bytes) {
    written_of_first_ -= pieces_.front().bytes;
    release(pieces_.front());
    pieces_.pop_front();
  }
  if (pieces_.empty()) clear();
}

void Output::clear() {
  for (Piece& piece : pieces_) release(piece);
  pieces_.clear();
  pieces_.shrink_to_fit();
  if (chunk_ && chunk_capacity_ == ChunkPool::chunk_bytes) pool_.give_back(std::move(chunk_));
  chunk_ = nullptr;
  chunk_capacity_ = chunk_used_ = written_of_first_ = pending_bytes_ = 0;
}

void Output::retire_chunk() {
  if (!chunk_) return;
  // The chunk goes when its last piece is written. That piece may stand before a referred body.
  auto last = std::find_if(pieces_.rbegin(), pieces_.rend(),
                           [](const Piece& piece) { return !piece.message; });
  const bool is_pooled = chunk_capacity_ == ChunkPool::chunk_bytes;
  if (chunk_used_ > 0 && last != pieces_.rend()) {
    last->chunk = std::move(chunk_);
    last->is_pooled = is_pooled;
  } else if (is_pooled) {
    pool_.give_back(std::move(chunk_));
  }
  chunk_ = nullptr;
  chunk_capacity_ = chunk_used_ = 0;
}

void Output::release(Piece& piece) {
  if (piece.chunk && piece.is_pooled) pool_.give_back(std::move(piece.chunk));
}

}  // namespace leveret
