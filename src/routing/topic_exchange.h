// SPDX-License-Identifier: Apache-2.0
//
// TopicExchange: the binding's key is a pattern of words with dots between them, where `*` stands
// for one word and `#` for any number, also none. A pattern without either is a plain key and is
// looked up as one.
//
// Thread: the table's.

#pragma once

#include "routing/exchange.h"
#include "routing/key_index.h"
#include "routing/topic_trie.h"

#include <string_view>

namespace leveret {

class TopicExchange final : public Exchange {
 public:
  TopicExchange(std::string_view name, std::string_view alternate_exchange)
      : Exchange(name, ExchangeType::topic, alternate_exchange) {}

 private:
  void add(Binding& binding) override;
  void remove(Binding& binding) override;
  void match(const Publication& publication, Reached& reached) const override;

  KeyIndex plain_keys_;
  mutable TopicTrie patterns_;  // Matching marks its nodes.
};

}  // namespace leveret
