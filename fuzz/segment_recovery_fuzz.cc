// SPDX-License-Identifier: Apache-2.0
//
// A program that puts a journal's directory together, and what a start makes of it. Records and
// indexes have right checksums, so that the input gets past them; bytes are spoilt on purpose.
//
// However it looks, a start ends, and a second one finds alive what the first did, also when the
// first was cut off from its power in the middle; a survey that changes nothing says the same;
// counts are those of what they count; and what is alive can be read, unless it was spoilt.
//
//   | step of the first start at which the power goes, 1 | seed of that, 1 | operation* |
//
// An operation is a byte, and arguments of a byte each (Program::step). What is missing at the end
// reads as 0.

#include "base/assert.h"
#include "base/clock.h"
#include "journal/journal.h"
#include "journal/journal_survey.h"
#include "journal/recovery.h"
#include "journal/segment_reader.h"
#include "journal/segment_scan.h"
#include "journal/testing/idle_host.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/segment_builder.h"
#include "journal/testing/simulated_file_system.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace leveret {
namespace {

using testing::SegmentBuilder;

constexpr std::size_t segments_max = 8;
constexpr std::size_t bytes_max = 64 * 1024;

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

/// A segment's file, and its index.
struct Files {
  SegmentId segment;
  std::vector<std::byte> bytes;
  std::vector<std::byte> index;  // Empty: none.
};

class Program {
 public:
  explicit Program(Input& input) : input_(input) { begin_segment(1); }

  void run() {
    while (!input_.is_empty() && files_.size() < segments_max && bytes_ < bytes_max) step();
    finish_segment();
  }

  [[nodiscard]] const std::vector<Files>& files() const { return files_; }
  /// Bytes were changed behind a checksum's back or an index lies: what is alive may not be there.
  [[nodiscard]] bool is_spoilt() const { return is_spoilt_; }
  /// An index says with a right checksum what is not so: anything may be thought alive.
  [[nodiscard]] bool is_lying() const { return is_lying_; }

 private:
  void step() {
    SegmentBuilder& segment = *segment_;
    const std::uint32_t before = segment.offset();
    switch (input_.byte() % 16) {
      case 0:
        finish_segment();
        begin_segment(segment.segment().value() + 1 + input_.byte() % 3);
        return;
      case 1: {
        const SegmentId synced = a_segment();
        segment.batch(synced, an_offset());
        break;
      }
      case 2:
      case 3: {
        const auto [owner, seq] = a_name();
        const std::string data(input_.byte(), 'x');
        data_.push_back(segment.entry(owner, seq, data, input_.byte()));
        break;
      }
      case 4: {
        const auto [owner, seq] = a_name();
        data_.push_back(segment.entry(owner, seq, "moved", 5, an_earlier_segment()));
        break;
      }
      case 5: {
        const auto [owner, seq] = a_name();
        segment.reference(owner, seq, some_data());
        break;
      }
      case 6: {
        const auto [owner, seq] = a_name();
        const std::uint32_t data = some_data();
        segment.reference(owner, seq, data, an_earlier_segment());
        break;
      }
      case 7:
        segment.settle(some_runs());
        break;
      case 8:
        segment.moved(an_earlier_segment());
        break;
      case 9:
        segment.delivered(some_runs());
        break;
      case 10:
        segment.end();
        break;
      case 11:
        segment.stop();
        break;
      case 12:
        wants_index_ = true;
        return;
      case 13: {
        auto& [what, which, number] = lies_.emplace_back();
        what = input_.byte();
        which = input_.byte();
        number = input_.byte();
        return;
      }
      case 14: {
        auto& [where, how] = spoils_.emplace_back();
        where = input_.byte();
        how = input_.byte();
        return;
      }
      case 15:
        cut_ = input_.byte();
        return;
    }
    bytes_ += segment.offset() - before;
  }

  // Arguments.

  /// This or one before, which may never have been.
  SegmentId a_segment() {
    const std::uint32_t own = segment_->segment().value();
    return SegmentId(own - std::min<std::uint32_t>(input_.byte() % 8, own - 1));
  }
  /// None, for 0; what a journal moves comes from a segment before.
  SegmentId an_earlier_segment() {
    const std::uint32_t own = segment_->segment().value();
    return SegmentId(own - std::min<std::uint32_t>(input_.byte() % 8 + 1, own));
  }
  /// Not behind where the segment is now.
  std::uint32_t an_offset() {
    const std::uint32_t here = segment_->offset();
    return here - std::min<std::uint32_t>(input_.byte() * 16u, here);
  }
  OwnerId an_owner() {
    const std::uint8_t which = input_.byte();
    return OwnerId(which % 4 + 1 + (which >= 250 ? passing_owner_bit : 0));
  }
  /// Seqs grow, mostly, and a segment never has the same entry twice.
  std::pair<OwnerId, std::uint64_t> a_name() {
    const OwnerId owner = an_owner();
    const std::uint8_t which = input_.byte();
    std::uint64_t seq = which < 200 ? ++last_seq_ : which - 200u;
    while (!names_.emplace(owner, seq).second) seq = ++last_seq_;
    return {owner, seq};
  }
  std::uint32_t some_data() {
    const std::uint8_t which = input_.byte();
    return which < 200 && !data_.empty() ? data_[which % data_.size()] : which * 8;
  }
  std::vector<SeqRun> some_runs() {
    std::vector<SeqRun> runs;
    const std::size_t count = input_.byte() % 4 + 1;
    for (std::size_t i = 0; i < count; ++i) {
      SeqRun& run = runs.emplace_back();
      run.owner = an_owner();
      run.first = input_.byte();
      run.count = input_.byte();
      run.segment = a_segment();
    }
    return runs;
  }

  // Segments.

  void begin_segment(std::uint32_t number) {
    segment_ = std::make_unique<SegmentBuilder>(SegmentId(number));
    data_.clear();
    names_.clear();
    spoils_.clear();
    lies_.clear();
    cut_ = 0;
    wants_index_ = false;
  }

  void finish_segment() {
    Files files{segment_->segment(), {}, {}};
    files.bytes.assign(segment_->bytes().begin(), segment_->bytes().end());
    if (wants_index_) files.index = encoded_index();
    for (const auto& [where, how] : spoils_) {
      // Of the index sometimes, and anywhere in it.
      std::vector<std::byte>& spoilt = where % 4 == 0 && wants_index_ ? files.index : files.bytes;
      spoilt[where * 0x9e3779b1u % spoilt.size()] ^= static_cast<std::byte>(how | 1);
      is_spoilt_ = is_spoilt_ || wants_index_;
    }
    if (cut_ != 0) {
      files.bytes.resize(files.bytes.size() - std::min<std::size_t>(cut_, files.bytes.size()));
      is_spoilt_ = is_spoilt_ || wants_index_;
    }
    files_.push_back(std::move(files));
  }

  std::vector<std::byte> encoded_index() {
    BuiltIndex index = segment_->index();
    for (const auto& lie : lies_) tell(lie, index);
    SimulatedFileSystem disk;
    const auto file = disk.open("/index", OpenMode::create_new);
    LEVERET_ASSERT(file && write_index(**file, 0, index));
    std::vector<std::byte> bytes((*file)->size().value());
    LEVERET_ASSERT((*file)->read_at(0, bytes).value() == bytes.size());
    return bytes;
  }

  /// Says something else than is so, and has the checksum for it.
  void tell(const std::array<std::uint8_t, 3>& lie, BuiltIndex& index) {
    is_lying_ = true;
    const auto [what, which, number] = lie;
    SegmentTables& tables = index.tables;
    if (what % 8 == 0) tables.used_bytes = number * 64u;
    if (what % 8 == 1) tables.holes.push_back({which * 64u, number * 8u});
    if (what % 8 == 2) tables.origins.push_back(SegmentId(number));
    if (what % 8 == 3) tables.moved.push_back(SegmentId(number));
    if (tables.groups.empty()) return;
    OwnerGroup& group = tables.groups[which % tables.groups.size()];
    if (what % 8 == 4) group.count = number * 0x01010101u;
    if (what % 8 == 5) group.first_entry = number * 0x01010101u;
    if (what % 8 == 6) group.last_seq = number * 0x0101010101010101u;
    if (what % 8 != 7) return;
    IndexEntry& entry = index.entries[which % index.entries.size()];
    entry.seq = number;
    entry.offset = number * 8u;
    for (OwnerGroup& one : tables.groups) {
      if (std::uint64_t{one.first_entry} + one.count > index.entries.size()) continue;
      const auto bytes = std::as_bytes(index.of(one));
      one.checksum = XXH3_64bits(bytes.data(), bytes.size());
    }
  }

  Input& input_;
  std::vector<Files> files_;
  std::unique_ptr<SegmentBuilder> segment_;
  std::vector<std::uint32_t> data_;  // Offsets of entries in the segment.
  std::set<std::pair<OwnerId, std::uint64_t>> names_;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> spoils_;
  std::vector<std::array<std::uint8_t, 3>> lies_;
  std::uint8_t cut_ = 0;
  bool wants_index_ = false;
  bool is_spoilt_ = false;
  bool is_lying_ = false;
  std::uint64_t last_seq_ = 0;
  std::size_t bytes_ = 0;
};

void put(FileSystem& disk, const std::string& name, std::span<const std::byte> bytes) {
  const auto file = disk.open("/" + name, OpenMode::create_new);
  LEVERET_ASSERT(file && (*file)->write_at(0, std::span(&bytes, 1)) && (*file)->sync());
}

/// A start writes no more than this behind a segment in which the log ends.
constexpr std::size_t written_at_the_end_max = 128;

/// `lengthened`: this one has zeros behind its end.
void fill(FileSystem& disk, const Program& program, SegmentId lengthened = {}) {
  for (const Files& files : program.files()) {
    std::vector<std::byte> bytes = files.bytes;
    if (files.segment == lengthened) {
      const std::size_t longer = bytes.size() + written_at_the_end_max;
      bytes.resize(longer / record_alignment * record_alignment);
    }
    put(disk, segment_file_name(files.segment), bytes);
    if (!files.index.empty()) put(disk, index_file_name(files.segment), files.index);
  }
  LEVERET_ASSERT(disk.sync_directory("/"));
}

/// Owner, seq, segment, offset, bytes, is it a reference, weight: of each that is alive.
using Alive = std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t,
                                     std::uint32_t, std::uint32_t, std::uint32_t>>;

/// Nothing: its entries cannot be read, since an index lies.
std::optional<Alive> alive_in(FileSystem& disk, const Recovered& found) {
  SegmentReader reader(disk, "/", 0);
  Alive alive;
  for (const auto& [owner, recovered] : found.owners) {
    for (const RecoveredPage& page : recovered.pages) {
      std::vector<IndexEntry> entries = page.entries;
      if (entries.empty()) {
        const auto index = reader.read_index(page.segment);
        LEVERET_ASSERT(index);
        const auto group = std::ranges::find(index->tables.groups, owner, &OwnerGroup::owner);
        if (group == index->tables.groups.end()) return std::nullopt;
        std::ranges::copy_if(index->of(*group), std::back_inserter(entries),
                             [&](const IndexEntry& entry) {
                               return entry.seq >= page.first_seq && entry.seq <= page.last_seq;
                             });
      }
      for (const IndexEntry& entry : entries) {
        alive.emplace_back(owner.value(), entry.seq, page.segment.value(), entry.offset,
                           entry.bytes, entry.is_reference, entry.weight);
      }
    }
  }
  std::ranges::sort(alive);
  return alive;
}

void check_counts(const Recovered& found, const Alive& alive) {
  std::map<std::uint32_t, std::uint32_t> of_segment;
  for (const auto& entry : alive) ++of_segment[std::get<2>(entry)];
  for (const auto& [segment, content] : found.segments) {
    LEVERET_ASSERT(content.live_entries == of_segment[segment.value()],
                   "segment {}: {} are counted, {} alive", segment.value(), content.live_entries,
                   of_segment[segment.value()]);
    for (const auto& [in, runs] : content.settled_by) {
      LEVERET_ASSERT(found.segments.contains(in) && found.segments.at(in).live_runs >= runs);
    }
  }
  LEVERET_ASSERT(found.report.counts.confirmed + found.report.counts.unconfirmed == alive.size());
  for (const auto& [owner, recovered] : found.owners) {
    LEVERET_ASSERT(!is_passing(owner) || recovered.pages.empty());
    for (const RecoveredPage& page : recovered.pages) {
      LEVERET_ASSERT(page.count > 0 && page.first_seq <= page.last_seq);
      LEVERET_ASSERT(page.last_seq <= recovered.highest_seq);
      LEVERET_ASSERT(page.entries.empty() || page.entries.size() == page.count);
    }
  }
}

void check_readable(FileSystem& disk, const Alive& alive) {
  SegmentReader reader(disk, "/", 0);
  std::vector<Extent> extents;
  for (const auto& [owner, seq, segment, offset, bytes, is_reference, weight] : alive) {
    extents.push_back({{SegmentId(segment), offset}, bytes});
  }
  const ReadData data = reader.read(extents);
  LEVERET_ASSERT(data.damages.empty(), "{} at {} cannot be read", data.damages.front().file,
                 data.damages.front().offset);
}

/// The journal goes on behind what was found: what is dead goes, and one entry comes. Its segments
/// are so long that it moves nothing, and no longer, since it fills them with zeros.
void go_on(SimulatedFileSystem& disk, const Recovered& found, OwnerId owner) {
  testing::ManualLane writing;
  testing::ManualLane reading;
  testing::IdleHost host;
  const ManualClock clock;
  std::uint32_t segment_bytes = 1024;
  for (const auto& [id, segment] : found.segments) segment_bytes += segment.used_bytes;
  Journal journal(
      {.files = &disk, .writing = &writing, .reading = &reading, .host = &host, .clock = &clock},
      {.directory = "/", .segment_bytes = segment_bytes});
  journal.start(found.segments, found.next_segment);
  static_cast<void>(journal.append(owner, 1, 0, Durability::fsync, {}, {}));
  journal.flush();
  writing.run_all();
  reading.run_all();
  LEVERET_ASSERT(journal.close({}));
}

void run(std::span<const std::uint8_t> bytes) {
  Input input(bytes);
  const std::uint8_t step = input.byte();
  const std::uint8_t seed = input.byte();
  Program program(input);
  program.run();

  SimulatedFileSystem disk;
  fill(disk, program);
  const std::uint64_t steps = disk.steps();
  const auto survey = survey_journal(disk, "/", {.journal = 0});
  LEVERET_ASSERT(survey && disk.steps() == steps);

  const auto found = recover(disk, "/", 0);
  LEVERET_ASSERT(survey->at_start.has_value() == found.has_value());
  LEVERET_ASSERT(found || program.is_lying() || program.is_spoilt(), "{}", found.error().text());
  if (!found) return;
  const auto alive = alive_in(disk, *found);
  const auto again = recover(disk, "/", 0);
  LEVERET_ASSERT(again);
  LEVERET_ASSERT(alive_in(disk, *again) == alive, "a second start finds something else");
  if (program.is_lying()) return;
  LEVERET_ASSERT(alive || program.is_spoilt());
  if (!alive) return;
  if (!program.is_spoilt()) {
    check_counts(*found, *alive);
    LEVERET_ASSERT(alive_in(disk, *survey->at_start) == alive, "a survey finds something else");
    check_readable(disk, *alive);
  }

  SimulatedFileSystem cut_off(seed);
  fill(cut_off, program);
  const std::uint64_t begin = cut_off.steps();
  cut_off.on_operation([&](const Operation& operation) {
    if (operation.step == begin + step) cut_off.power_loss(seed);
  });
  const bool is_finished = recover(cut_off, "/", 0).has_value();
  cut_off.on_operation({});
  if (is_finished) cut_off.power_loss(seed);
  cut_off.restart();
  const auto after = recover(cut_off, "/", 0);
  LEVERET_ASSERT(after);
  const auto alive_after = alive_in(cut_off, *after);
  // A file that ends inside a record's last zeros: what the start began to write there made it
  // longer and did not reach the disk, and the record, which nobody was told of, is whole.
  const auto is_as_if_longer = [&](const Files& files) {
    SimulatedFileSystem longer;
    fill(longer, program, files.segment);
    const auto whole = recover(longer, "/", 0);
    LEVERET_ASSERT(whole);
    return alive_after == alive_in(longer, *whole);
  };
  LEVERET_ASSERT(alive_after == alive || std::ranges::any_of(program.files(), is_as_if_longer),
                 "a start that was cut off changed something");

  constexpr OwnerId newcomer{1000};
  go_on(disk, *again, newcomer);
  const auto last = recover(disk, "/", 0);
  LEVERET_ASSERT(last);
  auto rest = alive_in(disk, *last);
  LEVERET_ASSERT(rest);
  const auto came = std::erase_if(
      *rest, [&](const auto& entry) { return std::get<0>(entry) == newcomer.value(); });
  LEVERET_ASSERT(came == 1);
  LEVERET_ASSERT(*rest == *alive, "what was alive is not after the journal went on");
}

}  // namespace
}  // namespace leveret

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::run({data, size});
  return 0;
}
