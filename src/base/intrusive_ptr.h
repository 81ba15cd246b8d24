// SPDX-License-Identifier: Apache-2.0
//
// IntrusivePtr<T>: shared ownership of a T that counts its own holders, in one word and without a
// control block. For what truly has joint lives (a message in several queues, a queue's handle in
// every worker's routing table); all else is a value, a unique_ptr or a borrowed reference.
//
// T offers `void retain() const noexcept` and `void release() const noexcept`; release of the last
// holder destroys. RefCounted<T> below gives both.
//
// Thread: the count is atomic, so holders may live on different workers; the T itself is as safe as
// it says.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace leveret {

template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  IntrusivePtr(std::nullptr_t) {}
  /// Becomes one more holder of `object`.
  explicit IntrusivePtr(T* object) noexcept : object_(object) {
    if (object_) object_->retain();
  }
  IntrusivePtr(const IntrusivePtr& other) noexcept : IntrusivePtr(other.object_) {}
  IntrusivePtr(IntrusivePtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~IntrusivePtr() {
    if (object_) object_->release();
  }

  /// Takes over a hold that somebody already has (from detach(), or a count that began at one).
  [[nodiscard]] static IntrusivePtr adopt(T* object) {
    IntrusivePtr adopted;
    adopted.object_ = object;
    return adopted;
  }
  /// Gives the hold away as a plain pointer, to be adopted elsewhere exactly once.
  [[nodiscard]] T* detach() { return std::exchange(object_, nullptr); }

  [[nodiscard]] T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const IntrusivePtr&, const IntrusivePtr&) = default;

 private:
  T* object_ = nullptr;
};

/// Base class that gives T its count. The count begins at zero: the first IntrusivePtr makes it
/// one.
template <class T>
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete static_cast<const T*>(this);
  }

 protected:
  RefCounted() = default;
  ~RefCounted() = default;

 private:
  mutable std::atomic<std::uint32_t> holders_{0};
};

}  // namespace leveret
