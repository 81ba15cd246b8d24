// SPDX-License-Identifier: Apache-2.0
//
// Fates: what becomes of each change that was under way when the power went.
//
// Independent coins alone would hardly ever keep all of many changes, or cut a sequence in one
// place, and those are the commonest ends in life. So the seed first picks a mood: all, none, the
// first few with one torn, or each by itself.
//
// Thread: one at a time.

#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace leveret {

enum class Fate { kept, dropped, torn };

class Fates {
 public:
  using Engine = std::mt19937_64;

  Fates(Engine& engine, std::size_t count) : fates_(count, Fate::kept) {
    switch (engine() % 5) {
      case 0:
        in_force_ = count;
        return;
      case 1:
        std::ranges::fill(fates_, Fate::dropped);
        return;
      case 2: {
        in_force_ = engine() % (count + 1);
        for (std::size_t i = in_force_; i < count; ++i) fates_[i] = Fate::dropped;
        if (in_force_ < count) fates_[in_force_] = Fate::torn;
        return;
      }
      default:
        for (Fate& fate : fates_) fate = static_cast<Fate>(engine() % 3);
        in_force_ = engine() % (count + 1);
    }
  }

  [[nodiscard]] static Fates all_kept(std::size_t count) { return Fates(count); }

  [[nodiscard]] Fate operator[](std::size_t change) const { return fates_[change]; }
  /// Of what can only hold in its order (sizes of a file): how many of the changes hold.
  [[nodiscard]] std::size_t in_force() const { return in_force_; }

 private:
  explicit Fates(std::size_t count) : fates_(count, Fate::kept), in_force_(count) {}

  std::vector<Fate> fates_;
  std::size_t in_force_ = 0;
};

}  // namespace leveret
