// SPDX-License-Identifier: Apache-2.0
//
// The pool: that everything posted is run, in order, that sleepers are woken, that idle workers do
// nothing, and that the end waits for everything.

#include "net/worker_pool.h"

#include "net/testing/sockets.h"
#include "net/timer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

namespace leveret {
namespace {

using testing::bound;

constexpr std::uint64_t crossings = testing::is_sanitized ? 100'000 : 1'000'000;
constexpr int lonely_posts = testing::is_sanitized ? 2'000 : 10'000;

WorkerId worker(unsigned index) { return WorkerId(static_cast<std::uint16_t>(index)); }

/// Each worker sends numbered tasks to all, in bursts of every size; each receiver checks that the
/// numbers of each sender come in order.
class Storm {
 public:
  explicit Storm(WorkerPool& pool) : pool_(pool) {}

  void begin() {
    for (unsigned i = 0; i < workers; ++i) {
      pool_.post_from_outside(worker(i), [this] { burst(); });
    }
  }

  [[nodiscard]] std::uint64_t arrived() const {
    std::uint64_t sum = 0;
    for (const Side& side : sides_) {
      for (std::uint64_t count : side.seen) sum += count;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t out_of_order() const {
    std::uint64_t sum = 0;
    for (const Side& side : sides_) sum += side.out_of_order;
    return sum;
  }

  static constexpr unsigned workers = 4;

 private:
  struct alignas(64) Side {
    std::uint64_t sent_total = 0;
    std::uint64_t out_of_order = 0;
    std::uint32_t random = 1;
    std::array<std::uint64_t, workers> sent{};
    std::array<std::uint64_t, workers> seen{};
  };

  void burst() {
    const unsigned here = pool_.here().value();
    Side& side = sides_[here];
    side.random = side.random * 1'664'525 + 1'013'904'223 + here;
    const std::uint64_t wanted = 1 + (side.random >> 16) % 700;
    const std::uint64_t count = std::min(wanted, crossings / workers - side.sent_total);
    for (std::uint64_t i = 0; i < count; ++i) {
      const unsigned target = static_cast<unsigned>((side.random >> 8) + i / 3) % workers;
      pool_.post(worker(target),
                 [this, here, number = side.sent[target]++] { arrive(here, number); });
    }
    side.sent_total += count;
    if (side.sent_total == crossings / workers) return;
    pool_.post(worker(here), [this] { burst(); });
  }

  void arrive(unsigned source, std::uint64_t number) {
    Side& side = sides_[pool_.here().value()];
    if (side.seen[source]++ != number) ++side.out_of_order;
  }

  WorkerPool& pool_;
  std::array<Side, workers> sides_;
};

TEST(WorkerPool, runs_every_task_in_its_senders_order_and_stops_only_when_all_are_run) {
  WorkerPool pool(Storm::workers);
  Storm storm(pool);
  storm.begin();
  pool.start();
  pool.request_stop();  // At once: nearly all tasks are posted by tasks after this.
  pool.join();

  EXPECT_EQ(storm.arrived(), crossings);
  EXPECT_EQ(storm.out_of_order(), 0U);
}

TEST(WorkerPool, wakes_sleeping_workers_for_each_of_many_lonely_posts) {
  WorkerPool pool(2);
  pool.start();
  std::binary_semaphore finished(0);
  struct Ball {
    WorkerPool& pool;
    std::binary_semaphore& finished;
    int hops = 0;
    void hop() {
      if (++hops > lonely_posts) return finished.release();
      const unsigned other = 1U - pool.here().value();
      pool.post(worker(other), [this] { hop(); });
    }
  } ball{pool, finished};

  pool.post_from_outside(worker(0), [&ball] { ball.hop(); });

  EXPECT_TRUE(finished.try_acquire_for(bound));
  const std::uint64_t sleeps = pool.counters(worker(0)).sleeps + pool.counters(worker(1)).sleeps;
  EXPECT_GT(sleeps, 0U);
}

TEST(WorkerPool, wakes_a_sleeping_worker_for_each_post_from_outside) {
  WorkerPool pool(1);
  pool.start();
  std::counting_semaphore<> arrived(0);
  for (int i = 0; i < lonely_posts; ++i) {
    pool.post_from_outside(worker(0), [&arrived] { arrived.release(); });
    ASSERT_TRUE(arrived.try_acquire_for(bound)) << "post " << i;
  }
}

TEST(WorkerPool, names_its_threads) {
  WorkerPool pool(2);
  std::string name;
  pool.post_from_outside(worker(1), [&name] {
    std::array<char, 16> buffer{};
    pthread_getname_np(pthread_self(), buffer.data(), buffer.size());
    name = buffer.data();
  });
  pool.start();
  pool.request_stop();
  pool.join();
  EXPECT_EQ(name, "leveret-w1");
}

TEST(WorkerPool, runs_a_task_to_itself_later_in_the_same_turn) {
  WorkerPool pool(1);
  pool.run_on_caller();
  bool is_posting = false;
  bool was_inside = false;
  bool has_run = false;
  std::uint64_t turn_posted = 0;
  std::uint64_t turn_run = 1;
  pool.post(worker(0), [&] {
    turn_posted = pool.counters(worker(0)).turns;
    is_posting = true;
    pool.post(worker(0), [&] {
      was_inside = is_posting;
      turn_run = pool.counters(worker(0)).turns;
      has_run = true;
    });
    is_posting = false;
  });
  EXPECT_TRUE(pool.poll_turns_until([&] { return has_run; }, bound));
  EXPECT_FALSE(was_inside);
  EXPECT_EQ(turn_run, turn_posted);
}

class CountingHook final : public TurnHook {
 public:
  bool finish_turn() override {
    ++calls;
    if (work_left == 0) return false;
    --work_left;
    return true;
  }
  int calls = 0;
  int work_left = 0;
};

TEST(WorkerPool, calls_a_hook_until_it_has_nothing_left_but_lets_sockets_go_between) {
  WorkerPool pool(1);
  CountingHook hook;
  hook.work_left = 1000;
  pool.add_turn_hook(worker(0), hook);
  pool.run_on_caller();
  EXPECT_TRUE(pool.poll_turns_until([&] { return hook.work_left == 0; }, bound));
  EXPECT_GE(hook.calls, 1000);
  EXPECT_GT(pool.counters(worker(0)).turns, 100U);
  EXPECT_LT(pool.counters(worker(0)).turns, 1000U);
  EXPECT_EQ(pool.counters(worker(0)).sleeps, 0U);
}

TEST(WorkerPool, makes_no_turns_while_idle) {
  WorkerPool pool(2);
  std::binary_semaphore watched(0);
  std::uint64_t turns_before = 0;
  std::unique_ptr<Timer> timer;
  pool.post_from_outside(worker(0), [&] {
    turns_before = pool.counters(worker(1)).turns;
    timer = std::make_unique<Timer>(pool, worker(0), [&] {
      timer.reset();
      watched.release();
    });
    timer->arm_after(std::chrono::milliseconds(200));
  });
  pool.start();
  ASSERT_TRUE(watched.try_acquire_for(bound));
  // It may not have begun when it was first looked at: one turn, then sleep.
  EXPECT_LE(pool.counters(worker(1)).turns - turns_before, 1U);
}

TEST(WorkerPool, counts_what_is_in_flight_until_the_target_has_run_it) {
  WorkerPool pool(2);
  std::binary_semaphore may_run(0);
  std::binary_semaphore finished(0);
  std::uint64_t while_held = 0;
  std::function<void()> look_again = [&] {
    if (pool.in_flight(worker(1)) == 0) return finished.release();
    pool.post(worker(0), [&look_again] { look_again(); });
  };
  pool.post_from_outside(worker(0), [&] {
    for (int i = 0; i < 300; ++i) {
      pool.post(worker(1), [&may_run, i] { EXPECT_TRUE(i > 0 || may_run.try_acquire_for(bound)); });
    }
    while_held = pool.in_flight(worker(1));
    may_run.release();
    look_again();
  });
  pool.start();
  EXPECT_TRUE(finished.try_acquire_for(bound));
  EXPECT_EQ(while_held, 300U);
}

TEST(WorkerPool, stops_when_a_worker_asks_and_runs_what_hooks_post) {
  struct PostingHook final : TurnHook {
    explicit PostingHook(WorkerPool& hooked) : pool(hooked) {}
    bool finish_turn() override {
      if (!has_work) return false;
      has_work = false;
      pool.post(worker(1), [this] { reached = true; });
      return true;
    }
    WorkerPool& pool;
    bool has_work = false;
    bool reached = false;
  };
  WorkerPool pool(2);
  PostingHook hook(pool);
  pool.add_turn_hook(worker(0), hook);
  pool.post_from_outside(worker(0), [&] {
    hook.has_work = true;
    pool.request_stop();
  });
  pool.start();
  pool.join();
  EXPECT_TRUE(hook.reached);
}

TEST(WorkerPool, stops_when_a_socket_or_timer_asks) {
  WorkerPool pool(2);
  std::unique_ptr<Timer> timer;
  pool.post_from_outside(worker(1), [&] {
    timer = std::make_unique<Timer>(pool, worker(1), [&] { pool.request_stop(); });
    timer->arm_after(std::chrono::milliseconds(1));
  });
  pool.start();
  pool.join();
  EXPECT_FALSE(timer->is_armed());
  timer.reset();
}

TEST(WorkerPool, destroys_tasks_posted_after_the_end_unrun) {
  auto witness = std::make_shared<int>(0);
  {
    WorkerPool pool(2);
    pool.start();
    pool.request_stop();
    pool.join();
    pool.post_from_outside(worker(1), [witness] { ADD_FAILURE() << "run after the end"; });
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(WorkerPool, gives_up_polling_at_the_bound) {
  WorkerPool pool(1);
  pool.run_on_caller();
  EXPECT_FALSE(pool.poll_turns_until([] { return false; }, std::chrono::milliseconds(20)));
}

}  // namespace
}  // namespace leveret
