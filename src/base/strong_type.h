// SPDX-License-Identifier: Apache-2.0
//
// StrongType: a number that cannot be passed where another kind of number is meant.
//
//   using DeliveryTag = StrongType<std::uint64_t, struct DeliveryTagName>;
//
// Thread: a value.

#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace leveret {

template <class Number, class Name>
class StrongType {
 public:
  constexpr StrongType() = default;
  constexpr explicit StrongType(Number value) : value_(value) {}

  [[nodiscard]] constexpr Number value() const { return value_; }

  friend constexpr auto operator<=>(StrongType, StrongType) = default;

 private:
  Number value_{};
};

}  // namespace leveret

template <class Number, class Name>
struct std::hash<leveret::StrongType<Number, Name>> {
  std::size_t operator()(leveret::StrongType<Number, Name> value) const noexcept {
    return std::hash<Number>{}(value.value());
  }
};
