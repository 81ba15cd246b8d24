// SPDX-License-Identifier: Apache-2.0
#include "routing/topic_trie.h"

#include "base/assert.h"
#include "routing/topic_words.h"

#include <optional>
#include <utility>

namespace leveret {

TopicTrie::TopicTrie() : nodes_(1), bindings_(1) {}

void TopicTrie::add(Binding& binding) {
  NodeId at = root;
  TopicWords words(binding.routing_key);
  while (const auto word = words.next()) {
    const NodeId next = child(at, *word);
    at = next != none ? next : make_child(at, *word);
  }
  bindings_[at].add(binding);
}

void TopicTrie::remove(Binding& binding) {
  const NodeId id = find(binding.routing_key);
  LEVERET_ASSERT(id != none, "topic pattern '{}' has no bindings", binding.routing_key);
  bindings_[id].remove(binding);
  remove_empty(id);
}

void TopicTrie::match(std::string_view routing_key, Reached& reached) {
  if (!nodes_[root].has_children()) return;

  // By pointer, as swapping the vectors would make the processor wait for what was just pushed.
  std::vector<NodeId>* before = &places_[0];
  std::vector<NodeId>* after = &places_[1];
  after->clear();
  ++step_;
  enter(root, *after, reached);

  TopicWords words(routing_key);
  while (const auto word = words.next()) {
    std::swap(before, after);
    after->clear();
    ++step_;
    const std::optional<WordId> known = words_.find(*word);
    for (const NodeId id : *before) {
      const Node& node = nodes_[id];
      if (node.is_any_words) enter(id, *after, reached);
      if (node.one_word != none) enter(node.one_word, *after, reached);
      if (!known || node.named_count == 0) continue;
      const auto named = children_.find(edge(id, *known));
      if (named != children_.end()) enter(named->second, *after, reached);
    }
    if (after->empty()) return;
  }
  for (const NodeId id : *after) reached.add(bindings_[id]);
}

void TopicTrie::enter(NodeId id, std::vector<NodeId>& places, Reached& reached) {
  do {
    Node& node = nodes_[id];
    if (std::exchange(node.entered_at, step_) == step_) return;
    if (node.is_any_words && !node.has_children()) {
      reached.add(bindings_[id]);  // A last `#` matches whatever follows.
      return;
    }
    places.push_back(id);
    id = node.any_words;
  } while (id != none);
}

TopicTrie::NodeId TopicTrie::find(std::string_view pattern) const {
  NodeId at = root;
  TopicWords words(pattern);
  while (const auto word = words.next()) {
    at = child(at, *word);
    if (at == none) return none;
  }
  return at;
}

TopicTrie::NodeId TopicTrie::child(NodeId parent, std::string_view word) const {
  if (word == topic_one_word) return nodes_[parent].one_word;
  if (word == topic_any_words) return nodes_[parent].any_words;
  const std::optional<WordId> known = words_.find(word);
  if (!known) return none;
  const auto found = children_.find(edge(parent, *known));
  return found == children_.end() ? none : found->second;
}

TopicTrie::NodeId TopicTrie::make_child(NodeId parent, std::string_view word) {
  const NodeId id = make_node(parent);
  if (word == topic_one_word) {
    nodes_[parent].one_word = id;
  } else if (word == topic_any_words) {
    nodes_[parent].any_words = id;
    nodes_[id].is_any_words = 1;
  } else {
    ++nodes_[parent].named_count;
    nodes_[id].word = words_.hold(word);
    children_.emplace(edge(parent, nodes_[id].word), id);
  }
  return id;
}

TopicTrie::NodeId TopicTrie::make_node(NodeId parent) {
  NodeId id;
  if (free_nodes_.empty()) {
    id = static_cast<NodeId>(nodes_.size());
    nodes_.emplace_back();
    bindings_.emplace_back();
  } else {
    id = free_nodes_.back();
    free_nodes_.pop_back();
  }
  nodes_[id].parent = parent;
  return id;
}

void TopicTrie::remove_empty(NodeId id) {
  while (id != root && !nodes_[id].has_children() && bindings_[id].empty()) {
    const NodeId parent = nodes_[id].parent;
    if (nodes_[parent].one_word == id) {
      nodes_[parent].one_word = none;
    } else if (nodes_[parent].any_words == id) {
      nodes_[parent].any_words = none;
    } else {
      --nodes_[parent].named_count;
      children_.erase(edge(parent, nodes_[id].word));
      words_.release(nodes_[id].word);
    }
    nodes_[id] = Node();
    free_nodes_.push_back(id);
    id = parent;
  }
  if (size() == 0) *this = TopicTrie();  // Erasing keeps the memory.
}

}  // namespace leveret
