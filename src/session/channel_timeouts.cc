// SPDX-License-Identifier: Apache-2.0
//
// Deliveries of a channel that nobody acknowledges.
#include "base/log.h"
#include "session/channel.h"
#include "session/connection.h"

#include <algorithm>

namespace leveret {

Duration Channel::timeout_of(const UnackedDelivery& delivery) const {
  if (delivery.own_timeout_ms != UnackedDelivery::no_own_timeout) {
    return timeout_duration(delivery.own_timeout_ms);
  }
  return timeout_of(*delivery.queue);
}

Duration Channel::timeout_of(const QueueHandle& queue) const {
  const std::uint64_t ms = queue.consumer_timeout_ms.load(std::memory_order_relaxed);
  return ms == ConsumerTimeout::unsaid ? connection_.options().consumer_timeout
                                       : timeout_duration(ms);
}

TimeoutAction Channel::timeout_action_of(const QueueHandle& queue) const {
  const TimeoutAction said = queue.timeout_action.load(std::memory_order_relaxed);
  return said == TimeoutAction::unsaid ? connection_.options().consumer_timeout_action : said;
}

Channel::Timeouts Channel::timeouts_in_force() const {
  Timeouts found = own_timeouts_;
  for (const auto& [id, queue] : held_queues_) found.add(timeout_of(*queue));
  return found;
}

void Channel::Timeouts::add(Duration timeout) {
  if (timeout == Duration::zero()) return;
  shortest = std::min(shortest, timeout);
  longest = std::max(longest, timeout);
}

std::optional<Duration> Channel::look_at_deliveries(Time now) {
  if (is_closing_) return std::nullopt;
  const Timeouts timeouts = timeouts_in_force();
  delivery_ages_.look(now, timeouts.longest, deliveries_.last_tag(), deliveries_.oldest_tag());
  if (timeouts.longest == Duration::zero()) return std::nullopt;
  std::optional<Duration> overdue;
  taken_.clear();
  deliveries_.take_if(
      [&](const UnackedDelivery& delivery) {
        const Duration age = now - delivery_ages_.seen_at(delivery.tag);
        // Those that follow are younger.
        if (overdue || age < timeouts.shortest) return Deliveries::Verdict::stop;
        const Duration timeout = timeout_of(delivery);
        if (timeout == Duration::zero() || age < timeout) return Deliveries::Verdict::keep;
        if (timeout_action_of(*delivery.queue) == TimeoutAction::requeue) {
          return Deliveries::Verdict::take;
        }
        overdue = timeout;
        return Deliveries::Verdict::stop;
      },
      taken_);
  if (taken_.empty()) return overdue;
  log(LogLevel::warn, "session", "deliveries_timed_out name=\"{}\" channel={} count={} oldest={}",
      connection_.name(), number_, taken_.size(), taken_.front().tag);
  settle(taken_, Settlement::requeued);
  return overdue;
}

}  // namespace leveret
