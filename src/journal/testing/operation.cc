// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/operation.h"

#include <string_view>

namespace leveret {
namespace {

std::string_view verb(OperationKind kind) {
  switch (kind) {
    case OperationKind::open:
      return "open";
    case OperationKind::create:
      return "create";
    case OperationKind::list:
      return "list";
    case OperationKind::make_directory:
      return "make directory";
    case OperationKind::remove:
      return "remove";
    case OperationKind::rename:
      return "rename";
    case OperationKind::sync_directory:
      return "sync directory";
    case OperationKind::free_bytes:
      return "ask for the free space of";
    case OperationKind::write:
      return "write";
    case OperationKind::read:
      return "read";
    case OperationKind::sync:
      return "sync";
    case OperationKind::size:
      return "ask for the size of";
    case OperationKind::truncate:
      return "truncate";
    case OperationKind::allocate:
      return "allocate";
    case OperationKind::advise:
      return "advise on reading";
  }
  return "";
}

}  // namespace

bool is_step(OperationKind kind) {
  switch (kind) {
    case OperationKind::create:
    case OperationKind::make_directory:
    case OperationKind::remove:
    case OperationKind::rename:
    case OperationKind::sync_directory:
    case OperationKind::write:
    case OperationKind::sync:
    case OperationKind::truncate:
    case OperationKind::allocate:
      return true;
    default:
      return false;
  }
}

std::string Operation::text() const {
  const bool has_offset = kind == OperationKind::write || kind == OperationKind::read;
  return std::string(verb(kind)) + (has_offset ? " at " + std::to_string(offset) + " of " : " ") +
         path.string();
}

}  // namespace leveret
