// SPDX-License-Identifier: Apache-2.0
//
// WordTable: a number for each word in use, for as long as somebody holds it.
//
// Thread: the table's. Complexity: O(1); numbers of words that went are given out again.

#pragma once

#include "base/assert.h"
#include "base/string_map.h"
#include "base/strong_type.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

using WordId = StrongType<std::uint32_t, struct WordIdName>;

class WordTable {
 public:
  /// Nothing when nobody holds the word.
  [[nodiscard]] std::optional<WordId> find(std::string_view word) const {
    const auto found = ids_.find(word);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The word's number, which stays the same until every hold is released.
  WordId hold(std::string_view word) {
    if (const auto known = find(word)) {
      ++words_[known->value()].holders;
      return *known;
    }
    WordId id;
    if (free_ids_.empty()) {
      id = WordId(static_cast<std::uint32_t>(words_.size()));
      words_.emplace_back();
    } else {
      id = free_ids_.back();
      free_ids_.pop_back();
    }
    words_[id.value()] = {std::string(word), 1};
    ids_.emplace(word, id);
    return id;
  }

  void release(WordId id) {
    Word& word = words_[id.value()];
    LEVERET_ASSERT(word.holders > 0, "word {} is not held", id.value());
    if (--word.holders > 0) return;
    ids_.erase(ids_.find(word.text));
    word.text = {};
    free_ids_.push_back(id);
  }

 private:
  struct Word {
    std::string text;
    std::uint32_t holders = 0;
  };

  boost::unordered_flat_map<std::string, WordId, StringHash, std::equal_to<>> ids_;
  std::vector<Word> words_;  // By id.
  std::vector<WordId> free_ids_;
};

}  // namespace leveret
