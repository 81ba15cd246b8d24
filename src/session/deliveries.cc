// SPDX-License-Identifier: Apache-2.0
#include "session/deliveries.h"

#include <algorithm>
#include <utility>

namespace leveret {

std::uint64_t Deliveries::add(const QueueHandle& queue, MessageSeq seq, bool is_to_consumer,
                              std::uint64_t own_timeout_ms) {
  deliveries_.push_back({++last_tag_, seq, &queue, own_timeout_ms, is_to_consumer});
  ++unacked_;
  return last_tag_;
}

bool Deliveries::take(std::uint64_t tag, bool is_multiple, std::vector<UnackedDelivery>& taken) {
  if (is_multiple && tag == 0) {
    std::ranges::move(take_all(), std::back_inserter(taken));
    return true;
  }
  // The oldest is the usual one; else a binary search, since tags grow.
  auto found = deliveries_.begin();
  if (found == deliveries_.end() || found->tag != tag) {
    found = std::ranges::lower_bound(deliveries_, tag, {}, &UnackedDelivery::tag);
  }
  const bool is_there = found != deliveries_.end() && found->tag == tag && found->queue;
  if (!is_there && (tag == 0 || tag > last_unknown_taken_)) return false;
  const auto first = is_multiple ? deliveries_.begin() : found;
  for (auto delivery = first; delivery != found + (is_there ? 1 : 0); ++delivery) {
    if (!delivery->queue) continue;
    taken.push_back(*delivery);
    delivery->queue = nullptr;
    --unacked_;
  }
  drop_settled();
  return true;
}

std::vector<UnackedDelivery> Deliveries::take_all() {
  std::vector<UnackedDelivery> taken;
  taken.reserve(unacked_);
  for (UnackedDelivery& delivery : deliveries_) {
    if (delivery.queue) taken.push_back(delivery);
  }
  deliveries_.clear();
  deliveries_.shrink_to_fit();
  unacked_ = 0;
  return taken;
}

void Deliveries::give_back(std::span<const UnackedDelivery> taken) {
  erase_settled();
  deliveries_.insert(deliveries_.end(), taken.begin(), taken.end());
  std::ranges::sort(deliveries_, {}, &UnackedDelivery::tag);
  unacked_ += taken.size();
}

void Deliveries::drop_settled() {
  while (!deliveries_.empty() && !deliveries_.front().queue) deliveries_.pop_front();
  // One old delivery must not keep the places of all that were settled after it.
  constexpr std::size_t settled_kept_max = 1024;
  if (deliveries_.size() > 2 * unacked_ + settled_kept_max) erase_settled();
}

void Deliveries::erase_settled() {
  const auto settled = std::ranges::remove_if(
      deliveries_, [](const UnackedDelivery& delivery) { return !delivery.queue; });
  deliveries_.erase(settled.begin(), settled.end());
}

}  // namespace leveret
