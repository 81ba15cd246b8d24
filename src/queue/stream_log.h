// SPDX-License-Identifier: Apache-2.0
//
// StreamLog: the messages of a stream, in the order in which they came. None leaves because
// somebody read it; the oldest leave when there are too many or they are too old, a page at a time
// (log_pages.h), never the last page. So the stream knows after any start where it was.
//
//   [ page | page | page | page . . . . . [b b b b b b b b . . ]
//    ^ first_seq()                         ^ the tail, in memory ^ next_seq()
//                                                         ^ readable_end()
//
// The seq of a message is its offset and one more. Every message has its offset in a header when it
// is appended (delivery_headers.h), so that it is read as it is delivered, however many read it.
//
// What may be read is what a crash cannot take back: a message that is durable. A reader who keeps
// offsets never finds another message where he has been. How durable that is, the durability says:
// with `os` a machine that loses its power may take back what was read, with `memory`, where what
// comes may be read at once, a process that is killed.
//
// When a message came is kept with it, and never goes back while the broker runs.
//
// Thread: the queue's home worker. Borrows: log, limits, listener. Complexity: O(1) a message.

#pragma once

#include "base/deque.h"
#include "journal/recovery.h"
#include "queue/log_pages.h"
#include "queue/message_log.h"
#include "queue/message_store.h"
#include "queue/store_limits.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace leveret {

class StreamListener {
 public:
  virtual ~StreamListener() = default;
  /// More may be read, or more is known of how old the oldest page is.
  virtual void on_more() = 0;
};

class StreamLog final : private LoggedStore {
 public:
  struct Options {
    OwnerId owner;  ///< In the journal.
    Durability durability = Durability::fsync;
  };

  /// `log` null: everything is in memory.
  StreamLog(MessageLog* log, const StoreLimits& limits, const Options& options);
  ~StreamLog() override;

  /// Before anything else.
  void set_listener(StreamListener& listener) { listener_ = &listener; }
  /// Takes over what a start found. Before anything is pushed.
  void recover(RecoveredOwner recovered);
  /// Of messages that come from now on.
  void set_durability(Durability durability) { durability_ = durability; }
  /// A page has about so many bytes, or what one segment of the journal has of the stream.
  void set_page_bytes_max(std::uint64_t bytes) { page_bytes_max_ = bytes; }

  /// Appends a message that came at `now_ms`. As MessageStore::push().
  [[nodiscard]] MessageStore::Taken push(const Message& message, std::uint64_t now_ms,
                                         PublishToken token);

  static constexpr std::uint64_t unlimited = UINT64_MAX;
  struct Dropped {
    std::uint64_t too_many = 0;
    std::uint64_t too_old = 0;
  };
  /// Drops pages while the stream has more bytes than that on its disk, or while the newest message
  /// of the oldest page is older; none that may not be read yet. When it is not known how old that
  /// is, on_more() will be called.
  Dropped retain(std::uint64_t bytes_max, std::uint64_t age_max_ms, std::uint64_t now_ms);
  /// When the oldest page will be too old; nullopt: it is the last one, or may not be read yet, or
  /// nobody knows.
  [[nodiscard]] std::optional<std::uint64_t> next_age_ms(std::uint64_t age_max_ms) const;

  [[nodiscard]] std::uint64_t first_seq() const {
    return pages_.all().empty() ? next_seq_ : pages_.all().front().first_seq;
  }
  [[nodiscard]] std::uint64_t next_seq() const { return next_seq_; }
  [[nodiscard]] std::uint64_t readable_end() const { return readable_end_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] std::uint64_t resident_bytes() const { return resident_bytes_; }

  /// The first seq from that one on which the stream has; next_seq(): there is none.
  [[nodiscard]] std::uint64_t first_from(std::uint64_t seq) const;
  /// The message, if it is in memory. Valid until the next push().
  [[nodiscard]] const StoredMessage* find_resident(std::uint64_t seq) const;

  /// The entries of a page, for who reads it from its beginning to its end.
  struct PageEntries {
    SegmentId segment;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    std::vector<IndexEntry> entries;

    [[nodiscard]] bool has(const LogPage& page) const {
      return segment == page.segment && first_seq <= page.first_seq && last_seq >= page.last_seq;
    }
  };
  using PageEntriesPtr = std::shared_ptr<const PageEntries>;
  struct Lump {
    std::vector<StoredMessage> messages;  ///< Without those that could not be read.
    std::uint64_t end_seq = 0;            ///< No other message is there from the seq asked for on.
    PageEntriesPtr entries;               ///< To be given with the next request.
  };
  /// Reads from the disk, from the seq on; at most `messages_max`, and no more than about 256 KiB.
  /// `done` is called later, unless the stream goes before. Requires: readable, and not resident.
  void read(std::uint64_t seq, PageEntriesPtr entries, std::size_t messages_max,
            std::move_only_function<void(Lump)> done);

  /// The stream is deleted. Returns how many messages there were.
  std::uint64_t close();

 private:
  // LoggedStore
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override;
  void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) override;
  void on_durable(BatchId upto) override;

  /// Up to where the stream may be read once the batch is durable.
  struct Awaited {
    BatchId batch;
    std::uint64_t end_seq = 0;
  };
  void await_readable(BatchId batch);
  void add_to_page(const StoredMessage& stored);
  void trim_tail();
  void forget_tail_before(std::uint64_t seq);
  void forget_page(bool is_stream_deleted);
  void leave_sealed_entries();
  void note_oldest_in_memory();
  void find_age_of_oldest(std::uint64_t now_ms);
  [[nodiscard]] PageEntriesPtr find_shared(const LogPage& page);
  [[nodiscard]] const LogPage* page_at(std::uint64_t seq) const;
  void read_page(const LogPage& page, std::uint64_t seq, std::size_t messages_max,
                 std::move_only_function<void(Lump)> done);
  void read_bodies(SegmentId segment, std::span<const IndexEntry> entries, PageEntriesPtr known,
                   std::uint64_t seq, std::size_t messages_max,
                   std::move_only_function<void(Lump)> done);

  MessageLog* const log_;
  const StoreLimits& limits_;
  const Options options_;
  Durability durability_;
  StreamListener* listener_ = nullptr;
  std::shared_ptr<StreamLog*> self_;  // Emptied by the destructor: reads find nobody then.

  LogPages pages_;
  std::uint64_t page_bytes_max_ = unlimited;
  Deque<StoredMessage> tail_;  // The newest, without a gap.
  std::deque<Awaited> awaited_;
  std::vector<std::weak_ptr<const PageEntries>> shared_;  // Of pages that are being read.
  SegmentId oldest_in_memory_;  // Of pages that have their entries until it is sealed; zero: none.
  std::uint64_t next_seq_ = 1;
  std::uint64_t readable_end_ = 1;
  std::uint64_t last_ms_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t disk_bytes_ = 0;
  std::uint64_t resident_bytes_ = 0;
  bool is_finding_age_ = false;
};

}  // namespace leveret
