// SPDX-License-Identifier: Apache-2.0
//
// StreamCursor: where one reader of a stream is. What is in the stream's memory is read there; of
// what is not, a little is read ahead of the cursor:
//
//   stream   [ . . . . . . . . . . . . . . . . . . b b b b b b b b ]
//                  ^ cursor
//   window        [b b b b b b b b]  -> the next lump is on its way
//
// Thread: the queue's home worker. Borrows: the stream, which outlives it.

#pragma once

#include "queue/consumer_spec.h"
#include "queue/stream_log.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace leveret {

class StreamCursor {
 public:
  /// `listener` is told when first() may have an answer that it had not.
  StreamCursor(StreamLog& log, StreamListener& listener, StreamStart start);
  ~StreamCursor();
  StreamCursor(const StreamCursor&) = delete;
  StreamCursor& operator=(const StreamCursor&) = delete;

  /// The message that is next; null: there is none yet, or it is on its way from the disk. Valid
  /// until the next call, and until the stream is pushed to.
  [[nodiscard]] const StoredMessage* first();
  /// Goes behind first(). Requires: it is not null.
  void advance();
  /// Goes back to that message. Requires: it was first() before.
  void go_back(std::uint64_t seq);

 private:
  void seek(std::uint64_t time_ms);
  void look_at_middle();
  [[nodiscard]] bool look_from(std::uint64_t seq);
  void narrow(std::uint64_t end, const StoredMessage& found);
  void load();
  void begin_window(std::uint64_t from);
  void forget_window();
  void read(std::uint64_t from, std::size_t messages_max,
            void (StreamCursor::*done)(StreamLog::Lump));
  void on_window(StreamLog::Lump lump);
  void on_looked(StreamLog::Lump lump);

  StreamLog& log_;
  StreamListener& listener_;
  std::shared_ptr<StreamCursor*> self_;  // Emptied by the destructor: reads find nobody then.

  std::uint64_t next_seq_ = 0;
  // All that is in the stream from next_seq_ to window_end_, when next_seq_ >= window_begin_.
  std::deque<StoredMessage> window_;
  std::uint64_t window_begin_ = 0;
  std::uint64_t window_end_ = 0;
  std::size_t window_low_ = 0;  // With fewer, the next lump is read.
  StreamLog::PageEntriesPtr entries_;
  std::uint64_t generation_ = 0;  // Grows when the window begins anew: what is read is of no use.
  bool is_loading_ = false;

  // The first message that came at seek_ms_ or later is sought: from seek_first_ to seek_end_.
  bool is_seeking_ = false;
  std::uint64_t seek_ms_ = 0;
  std::uint64_t seek_first_ = 0;
  std::uint64_t seek_end_ = 0;
  std::uint64_t seek_middle_ = 0;  // What is being looked at, or what is behind it.
};

}  // namespace leveret
