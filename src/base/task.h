// SPDX-License-Identifier: Apache-2.0
//
// Task: a small command on its way to another worker. One cache line: a function and up to 48 bytes
// of what it needs, stored in place; making, moving and running one never allocates. What does not
// fit must be boxed by the caller, which shows the cost where it is paid.
//
// Thread: a value; made on one worker, run on another.

#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace leveret {

class Task {
 public:
  static constexpr std::size_t capture_bytes_max = 48;

  Task() = default;

  template <class Function>
  requires(!std::is_same_v<std::decay_t<Function>, Task>)
      Task(Function&& function) {  // Implicit, so that a lambda can be passed to post().
    using Stored = std::decay_t<Function>;
    static_assert(sizeof(Stored) <= capture_bytes_max, "a Task carries at most 48 bytes; box it");
    static_assert(alignof(Stored) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<Stored>);
    ::new (storage_) Stored(std::forward<Function>(function));
    act_ = [](Act act, void* self, void* target) {
      auto* stored = std::launder(reinterpret_cast<Stored*>(self));
      switch (act) {
        case Act::run:
          (*stored)();
          break;
        case Act::move_to:
          ::new (target) Stored(std::move(*stored));
          stored->~Stored();
          break;
        case Act::destroy:
          stored->~Stored();
          break;
      }
    };
  }

  Task(Task&& other) noexcept { take(other); }
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      take(other);
    }
    return *this;
  }
  ~Task() { destroy(); }

  /// Requires: not empty.
  void operator()() { act_(Act::run, storage_, nullptr); }
  explicit operator bool() const { return act_ != nullptr; }

 private:
  enum class Act { run, move_to, destroy };
  using Actor = void (*)(Act, void* self, void* target);

  void take(Task& other) noexcept {
    act_ = std::exchange(other.act_, nullptr);
    if (act_) act_(Act::move_to, other.storage_, storage_);
  }
  void destroy() noexcept {
    if (Actor act = std::exchange(act_, nullptr)) act(Act::destroy, storage_, nullptr);
  }

  Actor act_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[capture_bytes_max];
};

static_assert(sizeof(Task) == 64);

}  // namespace leveret
