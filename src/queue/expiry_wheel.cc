// SPDX-License-Identifier: Apache-2.0
#include "queue/expiry_wheel.h"

#include <algorithm>

namespace leveret {

void ExpiryWheel::add(Entry& entry) {
  constexpr std::uint64_t time_max = (std::uint64_t{1} << (digit_bits * digits)) - 1;
  const std::uint64_t time = std::min(entry.expires_ms, time_max);
  if (time <= now_ms_) return due_.push_back(entry);
  const auto digit = static_cast<unsigned>(std::bit_width(time ^ now_ms_) - 1) / digit_bits;
  const auto slot = static_cast<unsigned>(time >> (digit * digit_bits)) % slots;
  digits_[digit].lists[slot].push_back(entry);
  digits_[digit].occupied |= std::uint64_t{1} << slot;
}

/// What stands at a lower digit is due before all that stands higher, and slots behind that of the
/// wheel's own time are empty.
std::optional<ExpiryWheel::Place> ExpiryWheel::next_place() {
  for (unsigned digit = 0; digit < digits; ++digit) {
    Digit& here = digits_[digit];
    while (here.occupied != 0) {
      const auto slot = static_cast<unsigned>(std::countr_zero(here.occupied));
      if (!here.lists[slot].empty()) {
        const unsigned shift = digit * digit_bits;
        const std::uint64_t above = now_ms_ >> (shift + digit_bits) << (shift + digit_bits);
        return Place{digit, slot, above | std::uint64_t{slot} << shift};
      }
      here.occupied &= here.occupied - 1;
    }
  }
  return std::nullopt;
}

ExpiryWheel::Entry* ExpiryWheel::first_due(std::uint64_t now_ms) {
  while (due_.empty()) {
    const auto next = next_place();
    if (!next || next->begin_ms > now_ms) break;
    Digit& digit = digits_[next->digit];
    List moving;
    moving.splice(moving.end(), digit.lists[next->slot]);
    digit.occupied &= ~(std::uint64_t{1} << next->slot);
    now_ms_ = std::max(now_ms_, next->begin_ms);
    while (!moving.empty()) {
      Entry& entry = moving.front();
      moving.pop_front();
      add(entry);
    }
  }
  // The clock may have been set back since: then the first need not be due any more.
  const auto due = std::ranges::find_if(
      due_, [now_ms](const Entry& entry) { return entry.expires_ms <= now_ms; });
  if (due != due_.end()) return &*due;
  // Nothing stands at a time in between, so the wheel may jump.
  if (!next_place()) now_ms_ = std::max(now_ms_, now_ms);
  return nullptr;
}

std::optional<std::uint64_t> ExpiryWheel::next_ms() {
  if (!due_.empty()) return due_.front().expires_ms;
  const auto next = next_place();
  return next ? std::optional(next->begin_ms) : std::nullopt;
}

}  // namespace leveret
