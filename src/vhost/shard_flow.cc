// SPDX-License-Identifier: Apache-2.0
//
// Who may send how fast: the window between two workers, the heaviest queues while memory is short,
// and who hears of alarms.
#include "vhost/shard.h"

#include <utility>

namespace leveret {
namespace {

/// A queue is heavy when it has so many times what short memory leaves to it: it could not leave
/// the rest to the disk as fast as it was fed.
constexpr std::uint64_t heavy_factor = 4;

}  // namespace

void Shard::count_publish_to(WorkerId home, std::uint64_t bytes) {
  std::uint64_t& in_flight = publish_bytes_in_flight_[home.value()];
  in_flight += bytes;
  if (in_flight >= publish_window_bytes && !is_congested_[home.value()]) {
    is_congested_[home.value()] = true;
    ++congested_peers_;
  }
}

void Shard::flush_publish_credit() {
  for (std::size_t from = 0; from < publish_bytes_taken_.size(); ++from) {
    const std::uint64_t bytes = std::exchange(publish_bytes_taken_[from], 0);
    if (bytes == 0) continue;
    broker_.executor().post(
        WorkerId(static_cast<std::uint16_t>(from)),
        [&broker = broker_, bytes, here = home_] { broker.here().on_publish_credit(here, bytes); });
  }
}

void Shard::on_publish_credit(WorkerId from, std::uint64_t bytes) {
  std::uint64_t& in_flight = publish_bytes_in_flight_[from.value()];
  // Held at the whole window, let go at half of it, so that publishers do not flap.
  in_flight -= bytes;
  if (in_flight <= publish_window_resume_bytes && is_congested_[from.value()]) {
    is_congested_[from.value()] = false;
    --congested_peers_;
  }
  let_go_held();
}

void Shard::let_go_held() {
  if (is_congested() || held_connections_.empty()) return;
  for (const ConnectionId id : std::exchange(held_connections_, {})) {
    const auto port = connections_.find(id);
    if (port != connections_.end()) port->second->on_uncongested();
  }
}

void Shard::tick_slowed() {
  for (const ConnectionId id : std::exchange(slowed_connections_, {})) {
    const auto port = connections_.find(id);
    if (port != connections_.end()) port->second->on_slow_tick();
  }
}

void Shard::on_memory_short(bool is_short) {
  if (!is_short && !store_limits_.is_memory_short) return;
  store_limits_ = is_short ? StoreLimits::for_short_memory() : StoreLimits();
  for (auto& [id, home_queue] : queues_) {
    const bool is_heavy = is_short && home_queue.queue->resident_bytes() >
                                          heavy_factor * store_limits_.resident_bytes_max;
    home_queue.handle->is_heavy.store(is_heavy, std::memory_order_relaxed);
  }
}

void Shard::on_alarms(AlarmSetPtr alarms) {
  alarms_ = std::move(alarms);
  for (ConnectionPort* port : connections()) port->on_alarms_changed();
}

}  // namespace leveret
