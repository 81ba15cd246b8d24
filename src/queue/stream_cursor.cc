// SPDX-License-Identifier: Apache-2.0
#include "queue/stream_cursor.h"

#include "base/assert.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leveret {
namespace {

constexpr std::size_t lump_messages_max = 4096;

}  // namespace

StreamCursor::StreamCursor(StreamLog& log, StreamListener& listener, StreamStart start)
    : log_(log), listener_(listener), self_(std::make_shared<StreamCursor*>(this)) {
  switch (start.at) {
    case StreamStart::At::next:
      next_seq_ = log_.next_seq();
      break;
    case StreamStart::At::first:
      break;
    case StreamStart::At::last:
      next_seq_ = log_.readable_end() - 1;
      break;
    case StreamStart::At::offset:
      next_seq_ = std::min(start.value, UINT64_MAX - 1) + 1;
      break;
    case StreamStart::At::time:
      seek(start.value);
      break;
  }
}

StreamCursor::~StreamCursor() { *self_ = nullptr; }

const StoredMessage* StreamCursor::first() {
  if (is_seeking_) return nullptr;
  for (;;) {
    if (next_seq_ >= log_.readable_end()) return nullptr;
    if (const StoredMessage* resident = log_.find_resident(next_seq_)) {
      forget_window();
      return resident;
    }
    if (next_seq_ < window_begin_ || next_seq_ > window_end_) begin_window(next_seq_);
    while (!window_.empty() && window_.front().seq.value() < next_seq_) window_.pop_front();
    window_begin_ = next_seq_;
    if (window_.size() <= window_low_ && !is_loading_) load();
    if (!window_.empty()) {
      next_seq_ = window_begin_ = window_.front().seq.value();
      return &window_.front();
    }
    if (next_seq_ == window_end_) return nullptr;
    next_seq_ = window_end_;  // What was there has gone, or could not be read.
  }
}

void StreamCursor::advance() { ++next_seq_; }

void StreamCursor::go_back(std::uint64_t seq) { next_seq_ = std::min(next_seq_, seq); }

/// The stream has in memory what comes next.
void StreamCursor::forget_window() {
  if (entries_ == nullptr && window_.empty()) return;
  begin_window(next_seq_);
  entries_ = nullptr;
}

void StreamCursor::begin_window(std::uint64_t from) {
  window_.clear();
  window_begin_ = window_end_ = from;
  window_low_ = 0;
  ++generation_;
  is_loading_ = false;
}

/// Nothing, when the stream has it in memory by now, or may not be read so far.
void StreamCursor::load() {
  window_end_ = log_.first_from(window_end_);
  if (window_end_ >= log_.readable_end() || log_.find_resident(window_end_) != nullptr) return;
  is_loading_ = true;
  read(window_end_, lump_messages_max, &StreamCursor::on_window);
}

void StreamCursor::read(std::uint64_t from, std::size_t messages_max,
                        void (StreamCursor::*done)(StreamLog::Lump)) {
  log_.read(from, entries_, messages_max,
            [self = self_, generation = generation_, done](StreamLog::Lump lump) {
              if (*self == nullptr || (*self)->generation_ != generation) return;
              ((*self)->*done)(std::move(lump));
            });
}

void StreamCursor::on_window(StreamLog::Lump lump) {
  is_loading_ = false;
  window_low_ = lump.messages.size() / 2;
  window_.insert(window_.end(), std::make_move_iterator(lump.messages.begin()),
                 std::make_move_iterator(lump.messages.end()));
  window_end_ = std::max(window_end_, lump.end_seq);
  entries_ = std::move(lump.entries);
  listener_.on_more();
}

// Seeking.

void StreamCursor::seek(std::uint64_t time_ms) {
  seek_ms_ = time_ms;
  seek_first_ = log_.first_seq();
  seek_end_ = log_.next_seq();  // What may not be read yet is resident.
  is_seeking_ = true;
  look_at_middle();
}

void StreamCursor::look_at_middle() {
  while (seek_first_ < seek_end_) {
    seek_middle_ = seek_first_ + (seek_end_ - seek_first_) / 2;
    if (!look_from(seek_middle_)) return;
  }
  next_seq_ = seek_first_;
  is_seeking_ = false;
}

/// At the first message from there on. False: it is on its way from the disk.
bool StreamCursor::look_from(std::uint64_t seq) {
  seq = log_.first_from(seq);
  if (seq >= seek_end_) {
    seek_end_ = seek_middle_;  // Nothing is there.
    return true;
  }
  if (const StoredMessage* resident = log_.find_resident(seq)) {
    narrow(seq + 1, *resident);
    return true;
  }
  read(seq, 1, &StreamCursor::on_looked);
  return false;
}

/// `found` is the first message from seek_middle_ on, before `end`.
void StreamCursor::narrow(std::uint64_t end, const StoredMessage& found) {
  if (found.expires_ms >= seek_ms_) {
    seek_end_ = seek_middle_;
  } else {
    seek_first_ = end;
  }
}

void StreamCursor::on_looked(StreamLog::Lump lump) {
  entries_ = std::move(lump.entries);
  if (!lump.messages.empty()) {
    narrow(lump.end_seq, lump.messages.front());
  } else if (!look_from(lump.end_seq)) {
    return;  // What cannot be read says nothing of when it came: what is behind it does.
  }
  look_at_middle();
  if (!is_seeking_) listener_.on_more();
}

}  // namespace leveret
