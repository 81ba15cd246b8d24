// SPDX-License-Identifier: Apache-2.0
#include "journal/journal.h"

#include "base/assert.h"
#include "base/log.h"
#include "journal/journal_move.h"

#include <algorithm>
#include <utility>

namespace leveret {
namespace {

/// What a buffer may keep for its next use, until it is quiet: new memory costs a fault a page.
constexpr std::size_t buffer_bytes_kept = 16 * 1024 * 1024;
constexpr std::size_t buffers_kept = 2;
constexpr std::uint64_t gathered_bytes_max = 32 * 1024 * 1024;
constexpr std::size_t runs_a_record_max = 4096;
/// What may be in use beyond twice what is alive.
constexpr std::uint64_t slack_segments = 2;
/// A segment with less than this part of it in use is not worth ending early.
constexpr std::uint32_t reclaim_part = 64;

}  // namespace

struct Journal::InFlight {
  Batch batch;
  std::expected<void, WriteFailure> outcome;
  std::vector<SegmentId> ended;
  Location end;
  bool is_synced = false;
  bool wants_filling = false;

  void write(SegmentWriter& writer) {
    outcome = writer.write(batch);
    wants_filling = writer.wants_filling();
  }
};

Journal::Journal(const Deps& deps, Options options)
    : deps_(deps),
      options_(std::move(options)),
      writer_(std::make_shared<SegmentWriter>(
          *deps.files, SegmentWriter::Options{.directory = options_.directory,
                                              .journal = options_.index,
                                              .segment_bytes = options_.segment_bytes,
                                              .clock = deps.clock})),
      reader_(std::make_shared<SegmentReader>(*deps.files, options_.directory, options_.index)),
      self_(std::make_shared<Journal*>(this)) {}

Journal::~Journal() { *self_ = nullptr; }

void Journal::start(std::map<SegmentId, RecoveredSegment> segments, SegmentId next_segment) {
  std::vector<SeqRun> void_copies;
  for (auto& [id, segment] : segments) {
    void_copies.insert(void_copies.end(), segment.void_copies.begin(), segment.void_copies.end());
    void_origins_.insert(segment.void_origins.begin(), segment.void_origins.end());
    if (!segment.void_copies.empty()) void_copies_[id] = std::exchange(segment.void_copies, {});
  }
  segments_.adopt(std::move(segments));
  next_segment_ = next_segment;
  written_upto_ = {next_segment, 0};
  synced_upto_ = {next_segment, 0};  // What a start has found it has synced.
  if (!void_copies.empty()) settle_void_copies(void_copies);
  remove_dead();
}

/// A copy counts as soon as its origin is gone. So that stays until the copies are settled for
/// good.
void Journal::settle_void_copies(std::span<const SeqRun> copies) {
  for (const SegmentId origin : void_origins_) segments_.pin(origin);
  put_runs(RecordKind::settle, copies);
  gathering_.needs_sync = true;
  void_batch_ = gathering_.id;
}

void Journal::on_durable_void(BatchId upto) {
  if (void_batch_.value() == 0 || upto < void_batch_) return;
  void_batch_ = {};
  for (const SegmentId origin : std::exchange(void_origins_, {})) segments_.unpin(origin);
}

bool Journal::is_void(SegmentId segment, OwnerId owner, std::uint64_t seq) const {
  const auto copies = void_copies_.find(segment);
  return copies != void_copies_.end() &&
         std::ranges::any_of(copies->second, [owner, seq](const SeqRun& run) {
           return run.owner == owner && seq >= run.first && seq - run.first < run.count;
         });
}

// Appending.

Journal::Appended Journal::append(OwnerId owner, std::uint64_t seq, std::uint32_t weight,
                                  Durability durability, std::span<const std::byte> head,
                                  std::span<const std::byte> data) {
  LEVERET_DEBUG_ASSERT(!is_poisoned_ && durability != Durability::memory);
  const Appended appended = put_entry(owner, seq, {}, weight, head, data);
  if (durability == Durability::fsync) gathering_.needs_sync = true;
  return appended;
}

bool Journal::may_refer(const Appended& data) const {
  return data.location.segment == open_segment_ && open_segment_.value() != 0 &&
         open_end_ + reference_bytes + record_bytes(sizeof(BatchMark)) + record_bytes(0) <=
             options_.segment_bytes;
}

Journal::Appended Journal::append_reference(OwnerId owner, std::uint64_t seq, const Appended& data,
                                            Durability durability) {
  LEVERET_DEBUG_ASSERT(!is_poisoned_ && may_refer(data));
  const Appended appended = put_reference(owner, seq, {}, data);
  if (durability == Durability::fsync) gathering_.needs_sync = true;
  return appended;
}

Journal::Appended Journal::put_entry(OwnerId owner, std::uint64_t seq, SegmentId origin,
                                     std::uint32_t weight, std::span<const std::byte> head,
                                     std::span<const std::byte> data) {
  const std::uint64_t bytes = entry_bytes(head.size() + data.size());
  LEVERET_ASSERT(bytes < std::uint64_t{1} << 30, "an entry of {} bytes", bytes);
  static_cast<void>(room_for(bytes));
  const Location location{open_segment_, open_end_};
  const EntryPrefix prefix{
      .owner = owner, .seq = seq, .origin = origin, .weight_or_offset = weight};
  put(RecordKind::entry, {bytes_of(prefix), head, data});
  const auto share = static_cast<std::uint32_t>(bytes);
  open_content_.rows.push_back({owner,
                                {.seq = seq,
                                 .offset = location.offset,
                                 .bytes = share & 0x7fffffff,
                                 .origin = origin,
                                 .weight = weight}});
  if (origin.value() != 0) open_content_.origins.push_back(origin);
  segments_.add_entry(open_segment_, share);
  return {.location = location,
          .share = share,
          .bytes = share,
          .weight = weight,
          .batch = gathering_.id};
}

Journal::Appended Journal::put_reference(OwnerId owner, std::uint64_t seq, SegmentId origin,
                                         const Appended& data) {
  static_cast<void>(room_for(reference_bytes));
  LEVERET_ASSERT(data.location.segment == open_segment_);
  const EntryPrefix prefix{
      .owner = owner, .seq = seq, .origin = origin, .weight_or_offset = data.location.offset};
  put(RecordKind::reference, {bytes_of(prefix)});
  open_content_.rows.push_back({owner,
                                {.seq = seq,
                                 .offset = data.location.offset,
                                 .bytes = data.bytes & 0x7fffffff,
                                 .is_reference = 1,
                                 .origin = origin,
                                 .weight = data.weight}});
  if (origin.value() != 0) open_content_.origins.push_back(origin);
  segments_.add_entry(open_segment_, reference_bytes);
  return {.location = data.location,
          .share = reference_bytes,
          .bytes = data.bytes,
          .weight = data.weight,
          .batch = gathering_.id};
}

Piece& Journal::room_for(std::uint64_t bytes) {
  const std::uint64_t needed = bytes + record_bytes(sizeof(BatchMark)) + record_bytes(0);
  if (open_segment_.value() != 0 && open_end_ > segment_header_bytes &&
      open_end_ + needed > options_.segment_bytes) {
    end_segment();
  }
  if (open_segment_.value() == 0) begin_segment();
  if (gathering_.pieces.empty() || gathering_.pieces.back().segment != open_segment_) {
    Piece piece{.segment = open_segment_, .offset = open_end_, .bytes = {}, .ended = {}};
    if (!spare_buffers_.empty()) {
      piece.bytes = std::move(spare_buffers_.back());
      spare_buffers_.pop_back();
    }
    gathering_.pieces.push_back(std::move(piece));
  }
  if (gathering_.id.value() == 0) {
    gathering_.id = next_batch_;
    next_batch_ = BatchId(next_batch_.value() + 1);
    put(RecordKind::batch, {bytes_of(synced_upto_)});
  }
  return gathering_.pieces.back();
}

void Journal::begin_segment() {
  open_segment_ = next_segment_;
  next_segment_ = SegmentId(next_segment_.value() + 1);
  open_end_ = segment_header_bytes;
  open_content_ = {};
  segments_.add(open_segment_).content.used_bytes = open_end_;
}

void Journal::end_segment() {
  if (gathering_.pieces.empty() || gathering_.pieces.back().segment != open_segment_) {
    // Nothing of this batch is in the segment yet. The room for `end` was kept.
    gathering_.pieces.push_back(
        {.segment = open_segment_, .offset = open_end_, .bytes = {}, .ended = {}});
    if (gathering_.id.value() == 0) {
      gathering_.id = next_batch_;
      next_batch_ = BatchId(next_batch_.value() + 1);
    }
  }
  put(RecordKind::end, {});
  open_content_.used_bytes = open_end_;
  gathering_.pieces.back().ended = std::exchange(open_content_, {});
  segments_.end(open_segment_, open_end_);
  open_segment_ = {};
}

void Journal::put(RecordKind kind, std::initializer_list<std::span<const std::byte>> parts) {
  Piece& piece = gathering_.pieces.back();
  encode_record(piece.bytes, piece.segment, piece.offset, kind, parts);
  open_end_ = piece.offset + static_cast<std::uint32_t>(piece.bytes.size());
}

bool Journal::is_congested() const {
  std::uint64_t bytes = 0;
  for (const Piece& piece : gathering_.pieces) bytes += piece.bytes.size();
  return bytes > gathered_bytes_max;
}

// Settling.

void Journal::settle(OwnerId owner, std::uint64_t seq, Location location, std::uint32_t share) {
  settle_range({.owner = owner, .first = seq, .count = 1, .segment = location.segment}, 1, share);
}

void Journal::settle_range(const SeqRun& run, std::uint32_t count, std::uint64_t share_bytes) {
  drop(run.segment, count, share_bytes);
  if (is_poisoned_) return;
  if (run.count != count && (move_ || run.segment == open_segment_)) [[unlikely]] {
    settle_with_gaps(run);
  } else {
    add_run(run);
  }
}

void Journal::add_run(const SeqRun& run) {
  if (!open_runs_.empty()) {
    SeqRun& last = open_runs_.back();
    if (last.owner == run.owner && last.segment == run.segment &&
        last.first + last.count == run.first) {
      last.count += run.count;
      return;
    }
  }
  open_runs_.push_back(run);
}

void Journal::drop(SegmentId segment, std::uint32_t count, std::uint64_t share_bytes) {
  segments_.settle(segment, count, share_bytes);
}

void Journal::put_runs(RecordKind kind, std::span<const SeqRun> runs) {
  while (!runs.empty()) {
    const auto some = runs.first(std::min(runs.size(), runs_a_record_max));
    runs = runs.subspan(some.size());
    static_cast<void>(room_for(record_bytes(some.size_bytes())));
    put(kind, {std::as_bytes(some)});
    if (kind != RecordKind::settle) continue;
    for (const SeqRun& run : some) {
      open_content_.settles.push_back(run);
      segments_.add_run(open_segment_, run.segment);
    }
  }
}

void Journal::put_open_runs() {
  if (open_runs_.empty()) return;
  put_runs(RecordKind::settle, open_runs_);
  open_runs_.clear();
}

void Journal::put_moved(SegmentId segment) {
  static_cast<void>(room_for(record_bytes(sizeof(MovedMark))));
  put(RecordKind::moved, {bytes_of(MovedMark{.segment = segment})});
  open_content_.moved.push_back(segment);
  segments_.add_run(open_segment_, segment);  // Needed as long as the segment is there.
}

// The way to the disk.

BatchId Journal::barrier(Durability durability) {
  LEVERET_DEBUG_ASSERT(!is_poisoned_);
  put_open_runs();
  static_cast<void>(room_for(0));  // What is on its way already may not be synced.
  if (durability == Durability::fsync) gathering_.needs_sync = true;
  return gathering_.id;
}

void Journal::flush() {
  put_open_runs();
  remove_dead();
  const std::uint64_t slack = std::uint64_t{options_.segment_bytes} * slack_segments;
  const std::uint64_t bytes = segments_.ended_bytes() - segments_.damaged_bytes();
  if (bytes > 2 * segments_.live_bytes() + slack) [[unlikely]]
    begin_move();
  if (gathering_.id.value() == 0 || in_flight_ || is_poisoned_) return;
  auto batch = std::make_shared<InFlight>();
  batch->batch = std::exchange(gathering_, {});
  for (const Piece& piece : batch->batch.pieces) {
    batch->end = {piece.segment, piece.offset + static_cast<std::uint32_t>(piece.bytes.size())};
    counts_.bytes_written += piece.bytes.size();
    if (piece.ended) batch->ended.push_back(piece.segment);
  }
  batch->is_synced = batch->batch.needs_sync;
  send(std::move(batch));
}

void Journal::send(std::shared_ptr<InFlight> batch) {
  in_flight_ = batch;
  is_sent_ = true;
  deps_.writing->submit([writer = writer_, batch] { batch->write(*writer); },
                        [self = self_, batch] {
                          if (*self) (*self)->on_written(batch);
                        });
}

void Journal::on_written(const std::shared_ptr<InFlight>& batch) {
  is_sent_ = false;
  if (is_poisoned_) return;  // By preparing; then this did not succeed either.
  if (!batch->outcome) {
    const WriteFailure& failure = batch->outcome.error();
    if (failure.is_final) return poison(failure.error);
    if (!std::exchange(is_stalled_, true)) deps_.host->on_stalled(failure.error);
    return;
  }
  in_flight_.reset();
  if (std::exchange(is_stalled_, false)) deps_.host->on_resumed();
  ++counts_.batches;
  written_upto_ = batch->end;
  if (batch->is_synced) {
    ++counts_.syncs;
    synced_upto_ = {batch->end.segment, batch->end.offset};
  }
  for (const SegmentId ended : batch->ended) {
    segments_.seal(ended);
  }
  for (Piece& piece : batch->batch.pieces) {
    if (spare_buffers_.size() == buffers_kept) break;
    piece.bytes.clear(buffer_bytes_kept);
    spare_buffers_.push_back(std::move(piece.bytes));
  }
  deps_.host->on_durable(batch->batch.id);
  on_durable_move(batch->batch.id);
  on_durable_void(batch->batch.id);
  start_waiting_reads();
  remove_dead();
  if (batch->wants_filling && gathering_.id.value() == 0) prepare();
}

void Journal::retry() {
  if (is_stalled_ && in_flight_ && !is_sent_) send(in_flight_);
}

void Journal::poison(const Error& why) {
  if (std::exchange(is_poisoned_, true)) return;
  in_flight_.reset();
  gathering_ = {};
  open_runs_.clear();
  move_.reset();
  deps_.host->on_poisoned(why);
  start_waiting_reads();  // What they wait for will not come; they get what there is.
}

void Journal::prepare() {
  if (is_preparing_ || is_poisoned_) return;
  is_preparing_ = true;
  auto outcome = std::make_shared<Result<void>>();
  deps_.writing->submit([writer = writer_, outcome] { *outcome = writer->prepare(); },
                        [self = self_, outcome] {
                          if (*self == nullptr) return;
                          (*self)->is_preparing_ = false;
                          if (!*outcome) (*self)->poison(outcome->error());
                        });
}

void Journal::reclaim() {
  spare_buffers_.clear();
  if (!is_poisoned_) {
    for (const SegmentId segment : std::exchange(not_removed_, {})) remove(segment);
  }
  if (open_segment_.value() == 0 || gathering_.id.value() != 0 || is_poisoned_) return;
  const RecoveredSegment& content = segments_.find(open_segment_)->content;
  if (content.live_entries != 0 || content.live_runs != 0 ||
      open_end_ < options_.segment_bytes / reclaim_part) {
    return;
  }
  end_segment();
  flush();
}

void Journal::remove_dead() {
  // A poisoned journal may have lost the settle runs that a segment's end would free others from,
  // and has no more to write: it leaves all as it is.
  if (is_poisoned_) return;
  for (const SegmentId segment : segments_.take_dead()) {
    deps_.reading->submit([reader = reader_, segment] { reader->forget(segment); }, [] {});
    remove(segment);
  }
}

void Journal::remove(SegmentId segment) {
  auto outcome = std::make_shared<Result<void>>();
  deps_.writing->submit(
      [writer = writer_, segment, outcome] { *outcome = writer->remove(segment); },
      [self = self_, segment, outcome] {
        if (*self == nullptr) return;
        if (!*outcome) return (*self)->on_not_removed(segment, outcome->error());
        (*self)->segments_.forget(segment);
        (*self)->void_copies_.erase(segment);
        (*self)->remove_dead();
      });
}

/// It stays, with the runs that keep its entries from coming back, until a quiet moment.
void Journal::on_not_removed(SegmentId segment, const Error& why) {
  log(LogLevel::error, "journal", "segment_not_removed reason=\"{}\"", why.text());
  not_removed_.push_back(segment);
}

bool Journal::is_sealed(SegmentId segment) {
  const SegmentTable::Segment* found = segments_.find(segment);
  return found != nullptr && found->state == SegmentTable::State::sealed;
}

// Reading.

void Journal::read(std::vector<Extent> extents, std::move_only_function<void(ReadData)> done) {
  WaitingRead read{std::move(extents), {}, std::move(done)};
  bool is_written_all = true;
  for (const Extent& extent : read.extents) {
    const SegmentId segment = extent.location.segment;
    is_written_all = is_written_all && is_written(extent.location);
    if (read.segments.empty() || read.segments.back() != segment) read.segments.push_back(segment);
  }
  // They stay from now on, also while others of the read are not written yet.
  for (const SegmentId segment : read.segments) ++segments_.find(segment)->readers;
  if (!is_written_all && !is_poisoned_) {
    waiting_reads_.push_back(std::move(read));
  } else {
    start_read(std::move(read));
  }
}

void Journal::start_waiting_reads() {
  for (WaitingRead& read : std::exchange(waiting_reads_, {})) {
    const bool is_written_all = std::ranges::all_of(
        read.extents, [this](const Extent& extent) { return is_written(extent.location); });
    if (is_written_all || is_poisoned_) {
      start_read(std::move(read));
    } else {
      waiting_reads_.push_back(std::move(read));
    }
  }
}

void Journal::start_read(WaitingRead read) {
  struct Reading {
    WaitingRead read;
    ReadData data;
  };
  auto reading = std::make_shared<Reading>(std::move(read), ReadData{});
  deps_.reading->submit(
      [reader = reader_, reading] { reading->data = reader->read(reading->read.extents); },
      [self = self_, reading] {
        if (*self == nullptr) return;
        (*self)->end_reads(reading->read.segments);
        (*self)->note_damages(reading->read.extents, reading->data);
        reading->read.done(std::move(reading->data));
      });
}

void Journal::end_reads(std::span<const SegmentId> segments) {
  for (const SegmentId segment : segments) --segments_.find(segment)->readers;
}

void Journal::note_damages(std::span<const Extent> extents, const ReadData& data) {
  if (data.damages.empty() || is_poisoned_) return;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (data.data[i].data() == nullptr) mark_damaged(extents[i].location.segment, "an entry");
  }
}

void Journal::mark_damaged(SegmentId segment, std::string_view what) {
  if (!segments_.mark_damaged(segment)) return;
  log(LogLevel::error, "journal", "segment_damaged file={} reason=\"{} cannot be read\" kept=true",
      (options_.directory / segment_file_name(segment)).string(), what);
}

void Journal::read_entries(SegmentId segment, OwnerId owner, std::uint64_t first,
                           std::uint64_t last,
                           std::move_only_function<void(Result<std::vector<IndexEntry>>)> done) {
  ++segments_.find(segment)->readers;
  struct Reading {
    std::move_only_function<void(Result<std::vector<IndexEntry>>)> done;
    Result<SegmentReader::Entries> read;
  };
  auto reading = std::make_shared<Reading>(std::move(done), Result<SegmentReader::Entries>());
  deps_.reading->submit(
      [reader = reader_, reading, segment, owner, first, last] {
        reading->read = reader->read_entries(segment, owner, first, last);
      },
      [self = self_, reading, segment] {
        if (*self == nullptr) return;
        (*self)->end_reads({&segment, 1});
        if (!reading->read || reading->read->is_damaged) {
          (*self)->mark_damaged(segment, "a part of it");
        }
        if (reading->read) {
          reading->done(std::move(reading->read->entries));
        } else {
          reading->done(std::unexpected(std::move(reading->read).error()));
        }
      });
}

// The end.

Result<void> Journal::close(std::span<const SeqRun> delivered) {
  if (is_poisoned_) return failure("the journal was poisoned by a failed sync");
  put_open_runs();
  // All in one segment: who finds `stop` looks there for what was delivered.
  static_cast<void>(room_for(record_bytes(delivered.size_bytes()) + record_bytes(0)));
  if (!delivered.empty()) put(RecordKind::delivered, {std::as_bytes(delivered)});
  put(RecordKind::stop, {});
  gathering_.needs_sync = true;
  // The lane has run what was sent, but whom it told is not known.
  if (in_flight_ && !in_flight_->outcome) {
    if (in_flight_->outcome.error().is_final) {
      return std::unexpected(in_flight_->outcome.error().error);
    }
    in_flight_->write(*writer_);
    if (!in_flight_->outcome) return std::unexpected(in_flight_->outcome.error().error);
  }
  if (auto written = writer_->write(gathering_); !written) {
    return std::unexpected(std::move(written).error().error);
  }
  return writer_->close();
}

Journal::Counts Journal::counts() const {
  Counts counts = counts_;
  counts.segments = segments_.all().size();
  counts.used_bytes = segments_.ended_bytes() + (open_segment_.value() != 0 ? open_end_ : 0);
  counts.live_bytes = segments_.live_bytes();
  counts.damaged_segments = segments_.damaged_segments();
  return counts;
}

}  // namespace leveret
