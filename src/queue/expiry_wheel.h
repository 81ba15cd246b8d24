// SPDX-License-Identifier: Apache-2.0
//
// ExpiryWheel: what expires when, of any number of things: a hierarchical timing wheel.
//
// Time is cut into digits of six bits. A thing stands at the highest digit in which its time
// differs from the wheel's, in the slot of its own digit there; when the wheel's time comes to a
// slot above the lowest digit, what is in it is put one or more digits lower. So each thing is
// moved at most once a digit, and never sorted.
//
//   now          0 0 0 0 5 9 .        expires   0 0 0 0 5 17 .   digit 1, slot 17
//                                               0 0 0 1 0  3 .   digit 3, slot 1
//
// Thread: any one. Owns: nothing; who holds an entry takes it out by destroying or unlinking it.
// Complexity: O(1) to add and to take out, O(digits) in all for each that expires.

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/intrusive/list.hpp>

namespace leveret {

class ExpiryWheel {
  using Link =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

 public:
  struct Entry : Link {
    std::uint64_t expires_ms = 0;  ///< Not changed while it is in a wheel.
  };

  /// Requires: it is in no wheel.
  void add(Entry& entry);
  /// One whose time is not after `now_ms`; it stays in. Null: there is none.
  [[nodiscard]] Entry* first_due(std::uint64_t now_ms);
  /// Calls visit(entry) for what was due when first_due() was asked, until it returns false.
  template <class Visit>
  void visit_due(Visit visit) const {
    for (const Entry& entry : due_) {
      if (!visit(entry)) return;
    }
  }
  /// Nothing is due before; perhaps nothing is due then either. nullopt: nothing is in it. After
  /// the clock was set back it may be late by as much.
  [[nodiscard]] std::optional<std::uint64_t> next_ms();

 private:
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned slots = 1U << digit_bits;
  static constexpr unsigned digits = 8;  // 48 bits of milliseconds: beyond the year 10000.
  using List = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  struct Digit {
    std::array<List, slots> lists;
    std::uint64_t occupied = 0;  // By slot; a bit may be set though all in the slot have gone.
  };
  struct Place {
    unsigned digit;
    unsigned slot;
    std::uint64_t begin_ms;  // The first time that belongs there.
  };
  [[nodiscard]] std::optional<Place> next_place();

  std::uint64_t now_ms_ = 0;
  List due_;
  std::array<Digit, digits> digits_;
};

}  // namespace leveret
