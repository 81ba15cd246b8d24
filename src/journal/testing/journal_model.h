// SPDX-License-Identifier: Apache-2.0
//
// JournalModel: a journal on a simulated disk, and what it owes.
//
// It drives a Journal as its host, and keeps account of each entry: appended, written, durable,
// settled, and how safe that settle is. After a death start() recovers, fails the test wherever the
// journal broke a promise, and goes on with what was found:
//   - what was durable and not settled is alive, once, in its owner's order, with its bytes;
//     after a kill the same holds for what was only written;
//   - what was durably settled is not alive, and nothing is that was never appended;
//   - no entry survives when one that was appended before it, and not settled, does not;
//   - highest_seq is not below anything seen alive;
//   - a stop in good order is told once, with what was delivered.
//
// Thread: the test's.

#pragma once

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/testing/manual_lane.h"
#include "journal/testing/simulated_file_system.h"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leveret::testing {

enum class Death { kill, power_loss };

class JournalModel final : public JournalHost {
 public:
  struct Options {
    std::uint64_t seed = 0;  ///< Of the disk's faults and of losses of power.
    std::uint32_t segment_bytes = 8 * 1024;
    bool has_damage = false;  ///< What is missing or comes back is what the test has damaged.
  };
  using Key = std::pair<OwnerId, std::uint64_t>;
  enum class Safety { gathered, written, durable };
  struct Entry {
    std::uint64_t number = 0;       ///< In the order of appending, never used twice.
    std::uint64_t data_number = 0;  ///< Of the entry that brought the data.
    std::uint32_t data_bytes = 0;
    Durability durability = Durability::fsync;
    Safety safety = Safety::gathered;
    std::optional<Safety> settle;  ///< None: it is alive.
    Journal::Appended place;
  };

  explicit JournalModel(Options options);
  ~JournalModel() override;

  // A life.

  /// The disk can be used again; start() does so, too.
  void power_on();
  /// Recovers, checks what is found, and opens the journal. False: the process died in recover().
  bool start();
  /// The process ends in good order. False: it did not come to that.
  bool close(const std::vector<SeqRun>& delivered = {}, Death afterwards = Death::kill);
  /// The process ends otherwise.
  void die(Death how);
  /// It will end at the `step`th step of the disk from now on, whoever does it.
  void die_at(std::uint64_t step, Death how);
  [[nodiscard]] bool is_dead() const { return is_dead_; }
  /// It came to what die_at() said.
  [[nodiscard]] bool has_died_at() const { return has_died_at_; }

  // What an owner does.

  /// The key of the entry; none: the journal takes nothing any more.
  std::optional<Key> append(OwnerId owner, std::uint32_t data_bytes,
                            Durability durability = Durability::fsync);
  /// One more owner of what was appended last, if that may be.
  std::optional<Key> append_reference(OwnerId owner);
  void settle(const Key& key);
  /// Settles by one run what is alive of the owner in a segment, from `first` on.
  void settle_range(const Key& first);
  void drop_owner(OwnerId owner);
  /// Whoever asks wants to hear when all that was appended and settled so far is so safe.
  void barrier(Durability durability);
  /// The owner does not know it any more, and has not settled it.
  void lose(const Key& key);
  void flush();
  /// Reads the entries, later, and compares them.
  void read(const std::vector<Key>& keys);
  /// Does all that there is to do, and compares the journal's account with this one.
  void quiesce();

  /// Keeps no account any more of what is settled for good and cannot come back in this life.
  void forget_settled();

  [[nodiscard]] Journal& journal() { return *journal_; }
  /// Alive, of owners whether passing or not.
  [[nodiscard]] std::vector<Key> alive() const;
  [[nodiscard]] const std::map<Key, Entry>& entries() const { return entries_; }
  /// What is alive takes so much, by this account; while a segment is being moved the journal
  /// counts its copies besides.
  [[nodiscard]] std::uint64_t live_bytes() const;
  [[nodiscard]] bool is_moving() const { return journal_->counts().live_bytes > live_bytes(); }
  [[nodiscard]] const RecoveryReport& report() const { return report_; }
  [[nodiscard]] const RecoveredCounts& recovered_counts(OwnerId owner) {
    return recovered_counts_[owner];
  }
  [[nodiscard]] bool is_poisoned() const { return is_poisoned_; }
  [[nodiscard]] bool is_stalled() const { return is_stalled_; }
  /// Entries whose data could not be read.
  [[nodiscard]] std::uint64_t damaged_reads() const { return damaged_reads_; }

  static constexpr const char* directory = "/journal";

  SimulatedFileSystem disk;
  ManualLane writing;
  ManualLane reading;

  // JournalHost
  void on_durable(BatchId upto) override;
  void on_stalled(const Error& why) override;
  void on_resumed() override;
  void on_poisoned(const Error& why) override;
  void find_alive(OwnerId owner, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override;
  void relocate(OwnerId owner, SegmentId segment, std::span<Relocation> relocations) override;

 private:
  struct Found {
    SegmentId segment;
    IndexEntry entry;
  };

  struct Barrier {
    BatchId batch;
    Safety safety = Safety::written;
    std::vector<Key> appended;
    std::vector<Key> settled;
  };

  void open();
  void check(const Barrier& reached) const;
  void end_disk(Death how);
  bool die_recovering();
  void end_life();
  std::map<Key, Found> resolve(const Recovered& recovered);
  std::vector<IndexEntry> entries_of(OwnerId owner, const RecoveredPage& page);
  void check(const std::map<Key, Found>& found) const;
  void check_stop(const Recovered& recovered) const;
  void take_over(const std::map<Key, Found>& found, const Recovered& recovered);
  void compare(const Key& key, const Entry& entry, std::span<const std::byte> data);

  const Options options_;
  ManualClock clock_;
  std::optional<Journal> journal_;
  std::map<Key, Entry> entries_;
  std::map<OwnerId, std::uint64_t> last_seq_;
  std::set<OwnerId> dropped_;
  std::uint64_t last_number_ = 0;
  std::optional<Key> last_;
  std::vector<Key> unsafe_;  // Appended and not durable.
  std::vector<Barrier> barriers_;
  std::vector<Key> settles_unsent_;
  std::vector<Key> settles_in_flight_;
  std::vector<Key> settles_written_;
  std::uint64_t syncs_ = 0;
  std::uint64_t deaths_ = 0;
  bool is_dead_ = true;
  bool has_died_at_ = false;
  bool is_on_ = true;            // The disk.
  bool has_lost_power_ = false;  // Since the last start().
  bool is_closing_ = false;
  bool is_closed_ = false;
  bool has_died_recovering_ = false;
  bool is_poisoned_ = false;
  bool is_stalled_ = false;
  std::uint64_t damaged_reads_ = 0;
  std::uint64_t lost_bytes_ = 0;
  std::vector<SeqRun> delivered_;
  RecoveryReport report_;
  std::map<OwnerId, RecoveredCounts> recovered_counts_;
};

}  // namespace leveret::testing
