// SPDX-License-Identifier: Apache-2.0
//
// The words of a topic key: what lies between its dots, also where that is nothing. "a..b" has
// three words and "." has two; the empty key has none, as in RabbitMQ, and not one empty one.
//
// Thread: views of a key that somebody else keeps.

#pragma once

#include <optional>
#include <string_view>

namespace leveret {

inline constexpr std::string_view topic_one_word = "*";
inline constexpr std::string_view topic_any_words = "#";

class TopicWords {
 public:
  explicit TopicWords(std::string_view key) : rest_(key), is_finished_(key.empty()) {}

  /// Nothing after the last word.
  std::optional<std::string_view> next() {
    if (is_finished_) return std::nullopt;
    const std::size_t dot = rest_.find('.');
    const std::string_view word = rest_.substr(0, dot);
    is_finished_ = dot == std::string_view::npos;
    if (!is_finished_) rest_.remove_prefix(dot + 1);
    return word;
  }

 private:
  std::string_view rest_;
  bool is_finished_;
};

/// Whether a binding's key has a word with a meaning. "a*b" and "##" are words as others.
[[nodiscard]] inline bool is_topic_pattern(std::string_view key) {
  TopicWords words(key);
  while (const auto word = words.next()) {
    if (*word == topic_one_word || *word == topic_any_words) return true;
  }
  return false;
}

}  // namespace leveret
