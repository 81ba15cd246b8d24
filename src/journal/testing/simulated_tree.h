// SPDX-License-Identifier: Apache-2.0
//
// SimulatedTree: the names of a SimulatedFileSystem: those that are seen, those on the disk, and
// the changes between the two.
//
// A change that is not synced survives a loss of power or not, each by itself: a later one may
// survive an earlier one. A rename survives whole; once one of two directories was synced, only
// that half of it is safe. (What file systems really do is kinder; nobody promises it.)
//
// Thread: one at a time (the file system's lock).

#pragma once

#include "journal/testing/simulated_inode.h"

#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace leveret {

class SimulatedTree {
 public:
  struct Directory;
  /// What a name leads to: one of the two.
  struct Node {
    std::shared_ptr<SimulatedInode> file;
    std::shared_ptr<Directory> directory;
  };
  using Names = std::map<std::string, Node>;
  struct Directory {
    Names names;  // As seen.
    Names on_disk;
  };
  using Inodes = std::vector<std::shared_ptr<SimulatedInode>>;

  template <class T>
  using Outcome = std::expected<T, std::errc>;

  [[nodiscard]] Outcome<Node> find(const std::filesystem::path& path) const;
  [[nodiscard]] Outcome<std::shared_ptr<SimulatedInode>> find_file(
      const std::filesystem::path& path) const;
  [[nodiscard]] Outcome<std::shared_ptr<Directory>> find_directory(
      const std::filesystem::path& path) const;

  [[nodiscard]] Outcome<void> add(const std::filesystem::path& path, Node node);
  [[nodiscard]] Outcome<void> remove(const std::filesystem::path& path);
  /// Of a file.
  [[nodiscard]] Outcome<void> rename(const std::filesystem::path& from,
                                     const std::filesystem::path& to);

  void sync(const std::shared_ptr<Directory>& directory);
  /// Returns the files that still have a name.
  [[nodiscard]] Inodes lose_power(Fates::Engine& engine);

 private:
  struct Change {
    std::shared_ptr<Directory> directory;
    std::string name;
    std::optional<Node> node;  // None: the name is gone.
  };
  using Step = std::vector<Change>;  // Survives whole or not at all.
  struct Place {
    std::shared_ptr<Directory> directory;
    std::string name;
  };

  [[nodiscard]] Outcome<Place> place_of(const std::filesystem::path& path) const;
  void carry_out(Step step);
  static void put(Names& names, const Change& change);

  const std::shared_ptr<Directory> root_ = std::make_shared<Directory>();
  std::vector<Step> steps_;  // Not synced, in order.
};

}  // namespace leveret
