// SPDX-License-Identifier: Apache-2.0
//
// SimulatedFileSystem: a disk in memory that a test can fill up, break, and cut off from its power.
//
// It knows what is durable: file content since the last sync(), names since the last
// sync_directory(). A test runs what it tests against it, ends the process in one of two ways, and
// starts anew from what is left:
//
//   disk.power_loss(seed);   // or disk.kill()
//   journal.reset();         // Whatever it still tries fails, and changes nothing.
//   disk.restart();
//   journal = open(disk);    // Is all there that was promised?
//
// At every step (a step is an operation that changes the disk), once steps() of a whole run is
// known:
//
//   disk.on_operation([&](const Operation& operation) {
//     if (operation.step == step) disk.power_loss(seed);
//   });
//
// The same seeds and the same operations in the same order give the same outcome. Paths are plain
// and absolute; the root is there. It refuses to rename directories.
//
// Thread: any, every method and every File. The hook runs in the thread that does the operation,
// before it takes effect, under no lock: it may call anything here, and may wait.

#pragma once

#include "journal/file_system.h"
#include "journal/testing/operation.h"
#include "journal/testing/simulated_tree.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

namespace leveret {

struct Fault {
  std::optional<OperationKind> kind = {};  ///< None: any.
  std::uint64_t after = 0;                 ///< So many of that kind are let through first,
  std::uint64_t times = 1;                 ///< and then so many fail.
  std::errc code = std::errc::io_error;
};

class SimulatedFileSystem final : public FileSystem {
 public:
  static constexpr std::uint64_t unlimited = 1ull << 50;

  /// `seed` decides what faults leave behind: how much of a failed write is there, say.
  explicit SimulatedFileSystem(std::uint64_t seed = 0) : engine_(seed) {}

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::filesystem::path& path,
                                                   OpenMode mode) override;
  [[nodiscard]] Result<std::vector<std::string>> list(
      const std::filesystem::path& directory) override;
  [[nodiscard]] Result<void> make_directory(const std::filesystem::path& directory) override;
  [[nodiscard]] Result<void> remove(const std::filesystem::path& path) override;
  [[nodiscard]] Result<void> rename(const std::filesystem::path& from,
                                    const std::filesystem::path& to) override;
  [[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) override;

  /// The power goes. All that was synced survives. Of what was not, `seed` decides: each write is
  /// kept, dropped or torn at sectors of 512 bytes, in any order; each file has one of the sizes
  /// that it went through; each name that was made, renamed or removed is, or is not.
  void power_loss(std::uint64_t seed);
  /// The process dies. All that was written survives, synced or not. A write that an
  /// on_operation() hook dies in may have begun.
  void kill();
  /// A new process begins. Between death and here every operation fails with owner_dead and counts
  /// nowhere; Files that were open before do so for ever. Faults and the hook stay.
  void restart();

  /// Adds a fault; an operation that several would fail takes the first. A failed write has
  /// written a part from its beginning, or nothing. A failed sync() leaves some of what it should
  /// have synced on the disk and *forgets the rest*, as Linux does: the next one succeeds and
  /// changes nothing about that, although who reads may still see it. Nothing else that fails
  /// changes anything.
  void fail(Fault fault);
  void clear_faults();

  /// Writing and allocating past so many bytes in use (whole pages of 4 KiB) fails with
  /// no_space_on_device until there is room: files removed, or a larger number here. Writing to
  /// pages that are in use goes on.
  void set_capacity(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t bytes_in_use() const;

  /// Reading any of these bytes fails with io_error from now on.
  /// Requires (this and the next): the file is there.
  void make_unreadable(const std::filesystem::path& path, std::uint64_t offset,
                       std::uint64_t bytes);
  /// Flips a bit in each of these bytes (of those that there are). What was not synced may not
  /// stay flipped.
  void flip_bits(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t bytes);

  void on_operation(std::function<void(const Operation&)> hook);

  /// Operations begun, failed ones too.
  [[nodiscard]] std::uint64_t operations() const;
  [[nodiscard]] std::uint64_t operations(OperationKind kind) const;
  /// Those of them that change the disk (Operation::step).
  [[nodiscard]] std::uint64_t steps() const;
  [[nodiscard]] std::uint64_t syncs() const { return operations(OperationKind::sync); }
  /// By writes that succeeded.
  [[nodiscard]] std::uint64_t bytes_written() const;

 private:
  class SimulatedFile;
  enum class State { up, killed, powerless };

  /// Counts the operation, lets the hook see it, and carries it out under the lock unless the
  /// process is dead (then, after a kill by the hook, `on_kill`) or a fault is due (`on_fault`).
  template <class Act, class OnFault, class OnKill>
  auto perform(Operation operation, std::optional<std::uint64_t> life, Act act, OnFault on_fault,
               OnKill on_kill) -> decltype(act());
  template <class Act>
  auto perform(Operation operation, Act act) -> decltype(act());

  // Under the lock:
  void count(Operation& operation);
  [[nodiscard]] std::optional<std::errc> take_fault(OperationKind kind);
  [[nodiscard]] std::uint64_t pages_in_use() const;
  [[nodiscard]] std::uint64_t pages_left() const;
  void die(State state);
  [[nodiscard]] SimulatedInode& inode(const std::filesystem::path& path) const;

  mutable std::mutex mutex_;  // Guards all below.
  Fates::Engine engine_;
  SimulatedTree tree_;
  std::vector<std::weak_ptr<SimulatedInode>> inodes_;  // Named, or kept by who has them open.
  State state_ = State::up;
  std::uint64_t life_ = 0;  // Deaths so far; a File works in the life it was opened in.
  std::vector<Fault> faults_;
  std::uint64_t pages_max_ = unlimited / SparseBytes::page_bytes;
  std::function<void(const Operation&)> hook_;
  std::array<std::uint64_t, operation_kinds> counts_{};
  std::uint64_t operations_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace leveret
