// SPDX-License-Identifier: Apache-2.0
//
// Journal: everything that must outlive the process, of all owners of one worker, in one log.
//
//   append ─┐                       append ─┐
//   append ─┼─> batch 7 ─> write,           ├─> batch 8
//   settle ─┘              one sync settle ─┘
//                             └─> on_durable(7)
//
// What is appended gathers in memory. flush(), at the end of a turn, hands it to the disk when the
// disk has nothing else to do; while that takes, the next batch gathers. So a lone entry costs one
// sync and a thousand owners' entries together cost one as well, with no timer to tune.
//
// An entry is *durable* when the batch that it went into has been reported to on_durable(), never
// before. Data of a fan-out is stored once: append_reference() gives it one more owner.
//
// Space: a segment with nothing alive goes at once (segment_table.h). When the segments together
// take more than twice what is alive in them, the sparsest is *moved*: what is alive is appended
// again, lump by lump as the disk takes it, its owners are told the new places, and the segment
// goes (journal_move.cc). So one entry that nobody settles never keeps more than itself. A segment
// in which something cannot be read neither goes nor is moved: it is kept for who wants to look
// into it.
//
// Failure. A write that fails (no space) is tried again by retry(), whole: nothing is lost, and
// nothing is durable meanwhile. A sync that fails is final: the journal is *poisoned*, what was not
// durable then never becomes so, and appending is refused; reading and settling go on.
//
// Thread:  the home worker, every method; close() the thread that stopped the lanes.
// Owns:    its directory. Borrows: file system, lanes, host, which outlive it.
// Format:  journal/segment_format.h, journal/segment_index.h

#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "journal/file_system.h"
#include "journal/ids.h"
#include "journal/io_lane.h"
#include "journal/recovery.h"
#include "journal/segment_reader.h"
#include "journal/segment_table.h"
#include "journal/segment_writer.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <vector>

namespace leveret {

/// When is an entry safe enough to say so?
enum class Durability : std::uint8_t {
  memory,  ///< At once; it is not appended at all.
  os,      ///< When the kernel has it: survives the process, not the machine.
  fsync,   ///< When the disk has it.
};

/// An entry that was moved.
struct Relocation {
  IndexEntry from;
  Location to;
  std::uint32_t bytes = 0;
  bool is_reference = false;
  bool is_alive = false;  ///< Told by the host.
};

class JournalHost {
 public:
  virtual ~JournalHost() = default;

  /// Every batch up to this one is as safe as its entries asked for.
  virtual void on_durable(BatchId upto) = 0;
  /// A batch could not be written and waits; call retry() now and then. Told once.
  virtual void on_stalled(const Error& why) = 0;
  /// It could be written after all.
  virtual void on_resumed() = 0;
  /// A sync failed. No batch will become durable any more. Told once.
  virtual void on_poisoned(const Error& why) = 0;

  /// Which of the owner's entries in `segment`, given in the order of seqs, are alive? Adds those
  /// to `alive`.
  virtual void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                          std::vector<IndexEntry>& alive) = 0;
  /// The owner's entries of `segment`, in the order of seqs, stand elsewhere from now on. The host
  /// says of each if it is still alive.
  virtual void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) = 0;
};

class Journal {
 public:
  struct Options {
    std::filesystem::path directory;
    std::uint16_t index = 0;
    /// A larger record gets a segment of its own.
    std::uint32_t segment_bytes = 64 * 1024 * 1024;
  };
  struct Deps {
    FileSystem* files = nullptr;
    IoLane* writing = nullptr;
    IoLane* reading = nullptr;
    JournalHost* host = nullptr;
    const Clock* clock = nullptr;
  };
  struct Appended {
    Location location;
    std::uint32_t share = 0;  ///< To be given back to settle().
    std::uint32_t bytes = 0;  ///< To be given back to read().
    std::uint32_t weight = 0;
    BatchId batch;
  };

  Journal(const Deps& deps, Options options);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Takes over what recover() found. Call before anything is appended.
  void start(std::map<SegmentId, RecoveredSegment> segments, SegmentId next_segment);

  /// Appends an entry with `data`, the parts one after the other. The owner's seqs grow, except for
  /// those of references to the same data and an unordered owner's, who never gives one again while
  /// the segment stands. Requires: not poisoned, less than 1 GiB.
  [[nodiscard]] Appended append(OwnerId owner, std::uint64_t seq, std::uint32_t weight,
                                Durability durability, std::span<const std::byte> head,
                                std::span<const std::byte> data);
  /// Appends one more owner of the data that append() put at `data`. Requires: may_refer(data).
  [[nodiscard]] Appended append_reference(OwnerId owner, std::uint64_t seq, const Appended& data,
                                          Durability durability);
  /// A reference and its data stand in one segment.
  [[nodiscard]] bool may_refer(const Appended& data) const;

  /// An entry is done with.
  void settle(OwnerId owner, std::uint64_t seq, Location location, std::uint32_t share);
  /// All of the owner's entries in the segment with these seqs are done with, `count` of them with
  /// so many bytes in all.
  void settle_range(const SeqRun& run, std::uint32_t count, std::uint64_t share_bytes);
  /// The owner is forgotten: as settle_range(), but nothing is written, for the next start will not
  /// ask for him.
  void drop(SegmentId segment, std::uint32_t count, std::uint64_t share_bytes);

  /// The batch after which all that was appended and settled so far is written, and synced if
  /// `durability` asks for it. Requires: not poisoned.
  [[nodiscard]] BatchId barrier(Durability durability);

  /// The end of a turn: what has gathered goes to the disk, if that is free.
  void flush();
  /// A quiet moment: buffers are given back, a segment in which nothing is alive ends, however
  /// empty, and what could not be removed is tried again.
  void reclaim();
  /// Tries again what could not be written.
  void retry();

  [[nodiscard]] bool is_poisoned() const { return is_poisoned_; }
  [[nodiscard]] bool is_stalled() const { return is_stalled_; }
  /// Is the record's batch written, so that it can be read?
  [[nodiscard]] bool is_written(Location location) const { return location < written_upto_; }
  /// More has gathered than the disk takes: hold who appends.
  [[nodiscard]] bool is_congested() const;
  /// The segment's index is on disk, so that read_entries() finds its entries.
  [[nodiscard]] bool is_sealed(SegmentId segment);

  /// Reads entries; `done` is called later, at home, unless the journal is destroyed before.
  void read(std::vector<Extent> extents, std::move_only_function<void(ReadData)> done);
  /// An owner's entries in a sealed segment with seqs from `first` to `last`, in their order.
  /// Errors: neither index nor segment can be read.
  void read_entries(SegmentId segment, OwnerId owner, std::uint64_t first, std::uint64_t last,
                    std::move_only_function<void(Result<std::vector<IndexEntry>>)> done);

  /// A segment of which something is to be read stays where it is until it is unpinned as often as
  /// it was pinned. Requires: it is there and sealed.
  void pin(SegmentId segment) { segments_.pin(segment); }
  void unpin(SegmentId segment) { segments_.unpin(segment); }

  /// Writes what has gathered, `delivered`, and that all is in good order; syncs. The lanes have
  /// run all they had and take nothing more. Errors: the file system's; the next start will find
  /// the journal as after a crash.
  [[nodiscard]] Result<void> close(std::span<const SeqRun> delivered);

  struct Counts {
    std::uint64_t segments = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t batches = 0;  ///< Written.
    std::uint64_t syncs = 0;    ///< Batches that were synced.
    std::uint64_t bytes_written = 0;
    std::uint64_t segments_moved = 0;
    std::uint64_t damaged_segments = 0;  ///< Kept, since something in them cannot be read.
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct InFlight;
  struct WaitingRead {
    std::vector<Extent> extents;
    std::vector<SegmentId> segments;  // Each counts the read among its readers.
    std::move_only_function<void(ReadData)> done;
  };

  /// The piece that the next `bytes` of records go to.
  [[nodiscard]] Piece& room_for(std::uint64_t bytes);
  void begin_segment();
  void end_segment();
  void put(RecordKind kind, std::initializer_list<std::span<const std::byte>> parts);
  void add_run(const SeqRun& run);
  void put_runs(RecordKind kind, std::span<const SeqRun> runs);
  void put_open_runs();
  void put_moved(SegmentId segment);
  [[nodiscard]] Appended put_entry(OwnerId owner, std::uint64_t seq, SegmentId origin,
                                   std::uint32_t weight, std::span<const std::byte> head,
                                   std::span<const std::byte> data);
  [[nodiscard]] Appended put_reference(OwnerId owner, std::uint64_t seq, SegmentId origin,
                                       const Appended& data);
  void send(std::shared_ptr<InFlight> batch);
  void on_written(const std::shared_ptr<InFlight>& batch);
  void poison(const Error& why);
  void remove_dead();
  void remove(SegmentId segment);
  void on_not_removed(SegmentId segment, const Error& why);
  void prepare();
  // Moving; journal_move.cc.
  struct Move;
  void begin_move();
  void choose_alive(Move& move, Result<BuiltIndex> index);
  void move_lump();
  void on_lump(ReadData data);
  void end_move();
  void on_durable_move(BatchId upto);
  void settle_with_gaps(SeqRun run);
  void abandon_move(std::string_view why);

  // Copies that a move left behind which never came to its end.
  void settle_void_copies(std::span<const SeqRun> copies);
  void on_durable_void(BatchId upto);
  [[nodiscard]] bool is_void(SegmentId segment, OwnerId owner, std::uint64_t seq) const;

  void note_damages(std::span<const Extent> extents, const ReadData& data);
  void mark_damaged(SegmentId segment, std::string_view what);
  void start_read(WaitingRead read);
  void start_waiting_reads();
  void end_reads(std::span<const SegmentId> segments);

  const Deps deps_;
  const Options options_;
  // The lanes' jobs share these and outlive the journal with them.
  std::shared_ptr<SegmentWriter> writer_;
  std::shared_ptr<SegmentReader> reader_;
  std::shared_ptr<Journal*> self_;  // Emptied by the destructor; what comes later finds nobody.

  SegmentTable segments_;
  SegmentId next_segment_{1};
  SegmentId open_segment_;      // Zero: none is open.
  std::uint32_t open_end_ = 0;  // Of the open segment, with what has gathered.
  SegmentContent open_content_;
  Batch gathering_;  // Without an id: nothing has gathered.
  std::vector<SeqRun> open_runs_;
  std::shared_ptr<InFlight> in_flight_;  // Also while stalled.
  BatchId next_batch_{1};
  Location written_upto_;
  BatchMark synced_upto_;
  std::unique_ptr<Move> move_;          // Null: none is under way.
  std::vector<SegmentId> not_removed_;  // The file system would not; reclaim() asks it again.
  // By the segment where they stand, for as long as that is there.
  std::map<SegmentId, std::vector<SeqRun>> void_copies_;
  std::set<SegmentId> void_origins_;  // Pinned until this batch is durable.
  BatchId void_batch_;
  bool is_poisoned_ = false;
  bool is_stalled_ = false;
  bool is_sent_ = false;  // The lane has in_flight_.
  bool is_preparing_ = false;
  std::vector<ByteBuffer> spare_buffers_;
  std::vector<WaitingRead> waiting_reads_;  // For what is not written yet.
  Counts counts_;
};

}  // namespace leveret
