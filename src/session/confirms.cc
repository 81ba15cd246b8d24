// SPDX-License-Identifier: Apache-2.0
#include "session/confirms.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace leveret {

std::uint64_t Confirms::add(std::uint32_t queues) {
  publishes_.push_back({.waits_for = queues});
  const std::uint64_t sequence = first_ + publishes_.size() - 1;
  ++unconfirmed_;
  if (queues == 0) {
    publishes_.back().waits_for = 1;
    on_answer(sequence, true);
  }
  return sequence;
}

void Confirms::on_answer(std::uint64_t sequence, bool is_accepted) {
  LEVERET_ASSERT(sequence >= first_ && sequence - first_ < publishes_.size(),
                 "publish {} answered for, but only {} to {} wait", sequence, first_,
                 first_ + publishes_.size() - 1);
  Publish& publish = publishes_[sequence - first_];
  LEVERET_ASSERT(publish.waits_for > 0, "publish {} answered for twice", sequence);
  if (!is_accepted) publish.is_refused = true;
  if (--publish.waits_for > 0) return;
  --unconfirmed_;
  has_news_ = true;
  if (sequence != first_) settled_ahead_.push_back(sequence);
}

std::vector<Confirms::Answer> Confirms::take_answers() {
  std::vector<Answer> answers;
  has_news_ = false;

  std::uint64_t acked_upto = 0;
  std::uint32_t acked = 0;
  while (!publishes_.empty() && publishes_.front().waits_for == 0) {
    const Publish& publish = publishes_.front();
    if (!publish.is_told && publish.is_refused) {
      answers.push_back({.sequence = first_, .is_multiple = false, .is_ack = false});
    } else if (!publish.is_told) {
      acked_upto = first_;
      ++acked;
    }
    publishes_.pop_front();
    ++first_;
  }
  if (acked > 0) answers.push_back({.sequence = acked_upto, .is_multiple = acked > 1});

  for (const std::uint64_t sequence : std::exchange(settled_ahead_, {})) {
    if (sequence < first_) continue;
    Publish& publish = publishes_[sequence - first_];
    publish.is_told = true;
    answers.push_back({.sequence = sequence, .is_multiple = false, .is_ack = !publish.is_refused});
  }
  if (publishes_.empty()) publishes_.shrink_to_fit();
  return answers;
}

}  // namespace leveret
