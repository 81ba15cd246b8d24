// SPDX-License-Identifier: Apache-2.0
//
// RecentIds: which ids came lately. A set that holds no more than so many: one more, and the oldest
// is forgotten. Each may have an end of its own, after which it is as if it had never come.
//
// Thread: one. Memory: some 70 bytes for each id that is held. Complexity: O(1), whatever happens.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

/// 128 bits of a hash stand for the id, however long that is: two that meet are not to be expected.
struct IdHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const IdHash&, const IdHash&) = default;
};

struct IdHashHash {  // It is a hash already.
  using is_avalanching = void;
  std::size_t operator()(const IdHash& id) const { return id.low; }
};

class RecentIds {
 public:
  static constexpr std::uint64_t never = UINT64_MAX;

  /// Requires: at least one.
  explicit RecentIds(std::uint32_t ids_max) : ids_max_(ids_max) {}

  /// It came, and its end has not come yet.
  [[nodiscard]] bool contains(const IdHash& id, std::uint64_t now_ms) const;
  /// It comes: from now on it is the youngest. `end_ms`: never, or when it is over.
  void add(const IdHash& id, std::uint64_t end_ms, std::uint64_t now_ms);
  /// As if it had never come. Unknown ids are passed over.
  void remove(const IdHash& id);
  void clear();

  [[nodiscard]] std::size_t size() const { return places_.size(); }

 private:
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  struct Entry {
    IdHash id;
    std::uint64_t end_ms = never;
    std::uint32_t older = nowhere;
    std::uint32_t younger = nowhere;  // Of a free place: the next one.
  };
  void forget(std::uint32_t place);

  const std::uint32_t ids_max_;
  boost::unordered_flat_map<IdHash, std::uint32_t, IdHashHash> places_;
  std::vector<Entry> entries_;
  std::uint32_t oldest_ = nowhere;
  std::uint32_t youngest_ = nowhere;
  std::uint32_t free_ = nowhere;
};

}  // namespace leveret
