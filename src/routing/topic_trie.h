// SPDX-License-Identifier: Apache-2.0
//
// TopicTrie: topic patterns as a tree of words. The bindings `a.*.c`, `a.#` and `a.#.d`:
//
//   root - a -+- * - c [bindings of a.*.c]
//             +- # [bindings of a.#] - d [bindings of a.#.d]
//
// A key is matched as by a state machine: the set of nodes it can have come to moves on word by
// word. From a node a word leads to its child of that name and to its `*`; a `#` is entered without
// a word, and stays where it is with any. A node is in the set at most once, so that a key costs at
// most words x nodes, whatever the patterns; nothing recurses.
//
// Words are numbers: a word that no pattern has is known as such after one lookup, and an edge of
// the tree is found by two integers.
//
// Thread: the table's. Owns: nodes and words, not the bindings.
// Complexity: add and remove are O(words of the pattern).

#pragma once

#include "routing/binding.h"
#include "routing/reached.h"
#include "routing/word_table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

class TopicTrie {
 public:
  TopicTrie();

  void add(Binding& binding);
  /// Requires: it was added.
  void remove(Binding& binding);

  /// Adds the destinations of every pattern that matches; one may be added more than once.
  void match(std::string_view routing_key, Reached& reached);

  /// Nodes below the root; none when no pattern is left.
  [[nodiscard]] std::size_t size() const { return nodes_.size() - free_nodes_.size() - 1; }

 private:
  using NodeId = std::uint32_t;
  static constexpr NodeId root = 0;
  static constexpr NodeId none = 0;  // The root is nobody's child.

  /// What a key on its way looks at; what it finds at its end lies apart, in bindings_.
  struct Node {
    std::uint64_t entered_at = 0;  // The last step that put it into the set.
    NodeId parent = none;
    WordId word;  // The edge from the parent, if it is named.
    NodeId one_word = none;
    NodeId any_words = none;
    std::uint32_t named_count : 31 = 0;  // Children that are neither.
    std::uint32_t is_any_words : 1 = 0;

    [[nodiscard]] bool has_children() const {
      return named_count != 0 || one_word != none || any_words != none;
    }
  };
  static_assert(sizeof(Node) == 32, "two to a cache line");

  static std::uint64_t edge(NodeId parent, WordId word) {
    return std::uint64_t{parent} << 32 | word.value();
  }
  [[nodiscard]] NodeId find(std::string_view pattern) const;
  [[nodiscard]] NodeId child(NodeId parent, std::string_view word) const;
  NodeId make_child(NodeId parent, std::string_view word);
  NodeId make_node(NodeId parent);
  void remove_empty(NodeId id);
  void enter(NodeId id, std::vector<NodeId>& places, Reached& reached);

  WordTable words_;
  boost::unordered_flat_map<std::uint64_t, NodeId> children_;  // By edge().
  std::vector<Node> nodes_;
  std::vector<BindingList> bindings_;  // Of the node with the same place.
  std::vector<NodeId> free_nodes_;

  // Where a key can be, before and after the word at hand; the two change places at every word.
  std::vector<NodeId> places_[2];
  std::uint64_t step_ = 0;
};

}  // namespace leveret
