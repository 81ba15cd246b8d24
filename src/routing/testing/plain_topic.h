// SPDX-License-Identifier: Apache-2.0
//
// What a topic pattern means, said as plainly as possible and as slowly as that is: what the trie
// is held against by tests and by the fuzzer.
//
// Thread: pure functions.

#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace leveret::testing {

[[nodiscard]] inline std::vector<std::string_view> split_topic(std::string_view key) {
  std::vector<std::string_view> words;
  if (key.empty()) return words;
  for (std::size_t dot; (dot = key.find('.')) != std::string_view::npos;) {
    words.push_back(key.substr(0, dot));
    key.remove_prefix(dot + 1);
  }
  words.push_back(key);
  return words;
}

[[nodiscard]] inline bool topic_matches(std::string_view pattern, std::string_view key) {
  const auto patterns = split_topic(pattern);
  const auto words = split_topic(key);
  // tail[w]: whether the patterns from p on match the words from w on; filled from the last p.
  std::vector<bool> tail(words.size() + 1);
  tail[words.size()] = true;
  for (std::size_t p = patterns.size(); p-- > 0;) {
    std::vector<bool> longer(words.size() + 1);
    for (std::size_t w = words.size() + 1; w-- > 0;) {
      const bool has_word = w < words.size();
      if (patterns[p] == "#") {
        longer[w] = tail[w] || (has_word && longer[w + 1]);
      } else {
        longer[w] = has_word && (patterns[p] == "*" || patterns[p] == words[w]) && tail[w + 1];
      }
    }
    tail = longer;
  }
  return tail[0];
}

}  // namespace leveret::testing
