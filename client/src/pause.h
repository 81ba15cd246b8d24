// SPDX-License-Identifier: Apache-2.0
//
// pause(): lets time pass between two attempts to connect. There is nothing yet to wait for.
//
// Thread: any; it is the one that pauses.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace leveret::client {

inline void pause(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  never.wait_for(lock, duration, [] { return false; });
}

}  // namespace leveret::client
