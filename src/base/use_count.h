// SPDX-License-Identifier: Apache-2.0
//
// UseCount and Use: how many of something there are, counted by all workers together, so that there
// are never more than there may be.
//
// Thread: any; a Use belongs to one at a time. For what comes and goes with connections and
// channels: not for the data path.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace leveret {

class UseCount {
 public:
  /// Counts one more, unless there are `limit` already. Below zero: there may be any number.
  [[nodiscard]] bool try_take(std::int64_t limit) {
    std::int64_t count = count_.load(std::memory_order_relaxed);
    do {
      if (limit >= 0 && count >= limit) return false;
    } while (!count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
    return true;
  }
  void give_back() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> count_{0};
};

/// One that was counted; counted no more when this goes.
class Use {
 public:
  Use() = default;
  /// Empty if there are `limit` already.
  [[nodiscard]] static Use take(std::shared_ptr<UseCount> of, std::int64_t limit) {
    Use use;
    if (of->try_take(limit)) use.of_ = std::move(of);
    return use;
  }
  Use(Use&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  Use& operator=(Use&& other) noexcept {
    std::swap(of_, other.of_);
    return *this;
  }
  ~Use() {
    if (of_ != nullptr) of_->give_back();
  }

  [[nodiscard]] explicit operator bool() const { return of_ != nullptr; }

 private:
  std::shared_ptr<UseCount> of_;
};

}  // namespace leveret
