// SPDX-License-Identifier: Apache-2.0
//
// ResourcePattern: a regular expression of a permission, over the names of queues and exchanges.
//
// As in RabbitMQ: Perl's expressions, over bytes and not characters, matching anywhere in the name
// unless anchored; the empty pattern means "^$", which is no name that there is. A pattern written
// to run for ever ("(a+)+$") is stopped after match_steps_max steps and matches nothing.
//
// Thread: immutable after construction. Spec: RabbitMQ: access-control.

#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace leveret {

struct InvalidPattern {
  std::string pattern;
  std::string reason;
  std::size_t offset = 0;  ///< Bytes into the pattern.

  /// As rabbitmqctl prints it: {:invalid_regexp, '(', {'missing )', 1}}
  [[nodiscard]] std::string text() const;
};

class ResourcePattern {
 public:
  /// One or two milliseconds; an honest pattern takes a few hundred steps over the longest name.
  static constexpr std::uint32_t match_steps_max = 100'000;
  static constexpr std::uint32_t match_heap_kibibytes_max = 4096;

  [[nodiscard]] static std::expected<ResourcePattern, InvalidPattern> compile(
      std::string_view pattern);
  /// Matches no name.
  [[nodiscard]] static ResourcePattern nothing();

  ResourcePattern(ResourcePattern&&) noexcept;
  ResourcePattern& operator=(ResourcePattern&&) noexcept;
  ~ResourcePattern();

  [[nodiscard]] bool matches(std::string_view name) const;

 private:
  /// What most patterns are is told without running them.
  enum class Kind : std::uint8_t { everything, only_empty, expression, nothing };
  struct Code;

  ResourcePattern(Kind kind, std::unique_ptr<const Code> code);

  Kind kind_;
  std::unique_ptr<const Code> code_;  // Null unless `expression`.
};

}  // namespace leveret
