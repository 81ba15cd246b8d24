// SPDX-License-Identifier: Apache-2.0
#include "routing/topic_exchange.h"

#include "routing/topic_words.h"

namespace leveret {

void TopicExchange::add(Binding& binding) {
  if (is_topic_pattern(binding.routing_key)) {
    patterns_.add(binding);
  } else {
    plain_keys_.add(binding);
  }
}

void TopicExchange::remove(Binding& binding) {
  if (is_topic_pattern(binding.routing_key)) {
    patterns_.remove(binding);
  } else {
    plain_keys_.remove(binding);
  }
}

void TopicExchange::match(const Publication& publication, Reached& reached) const {
  for (const std::string_view key : publication.routing_keys) {
    plain_keys_.match(key, reached);
    patterns_.match(key, reached);
  }
}

}  // namespace leveret
