// SPDX-License-Identifier: Apache-2.0
//
// Operation: one call that a SimulatedFileSystem or a File of it was asked for.
//
// Thread: a value.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace leveret {

enum class OperationKind {
  open,
  create,  ///< open() with create_new.
  list,
  make_directory,
  remove,
  rename,
  sync_directory,
  free_bytes,
  write,
  read,
  sync,
  size,
  truncate,
  allocate,
  advise,
};
inline constexpr std::size_t operation_kinds = static_cast<std::size_t>(OperationKind::advise) + 1;

/// Whether it changes what is seen or what is durable.
[[nodiscard]] bool is_step(OperationKind kind);

struct Operation {
  OperationKind kind;
  std::filesystem::path path;              ///< Of a rename: the old one.
  std::uint64_t offset = 0;                ///< Of write, read, advise.
  std::uint64_t bytes = 0;                 ///< Of write, read, advise, truncate, allocate.
  std::uint64_t number = 0;                ///< How many operations came before.
  std::optional<std::uint64_t> step = {};  ///< How many steps came before; none: it is not one.

  /// What an error says of it, as PosixFileSystem's do: "write at 512 of /journal/3".
  [[nodiscard]] std::string text() const;
};

}  // namespace leveret
