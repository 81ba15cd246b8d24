// SPDX-License-Identifier: Apache-2.0
//
// The sorted store, by due and by arrival, against a model: whatever is pushed, shifted, settled,
// removed, listed, expired, moved, left to the disk and read again, in whatever order, through
// stops and crashes, what comes from the head is what the model says is first, and what expires is
// what the model says has expired.
#include "queue/sorted_store.h"

#include "journal/owner_names.h"
#include "queue/testing/store_world.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using testing::StoreWorld;

constexpr OwnerId owner = owner_of_unordered(owner_of_queue(7));
constexpr std::uint64_t some_time_ms = 1'800'000'000'000;

/// Of what a story is.
struct Kind {
  SortedStore::Order order = SortedStore::Order::due;
  bool is_durable = true;
  std::uint8_t priority_max = 0;

  [[nodiscard]] bool is_by_due() const { return order == SortedStore::Order::due; }
};

StoreWorld::Make make_sorted(Kind kind) {
  return [kind](MessageLog& log, const StoreLimits& limits, Recovered& recovered) {
    auto made =
        std::make_unique<SortedStore>(&log, limits,
                                      SortedStore::Options{.owner = owner,
                                                           .order = kind.order,
                                                           .is_durable = kind.is_durable,
                                                           .keeps_all = kind.is_by_due(),
                                                           .priority_max = kind.priority_max});
    made->recover(recovered.owners[owner], recovered.report.is_clean);
    return made;
  };
}

std::span<const std::byte> no_properties() {
  static constexpr std::byte none[2] = {};
  return none;
}

/// What a message is, by its number, which its body begins with.
struct Known {
  std::uint64_t expires_ms = 0;
  std::uint64_t rank = 0;  // The lower the earlier: when it is due, or how far below its priority.
  bool is_kept = false;
  bool is_redelivered = false;
  std::uint64_t token = 0;          // Of its publish; 0: it came before this life.
  std::uint64_t settled_token = 0;  // Of a barrier behind its end; 0: it has not ended.
};

class Story {
 public:
  Story(std::uint64_t seed, Kind kind)
      : engine_(seed), kind_(kind), world_(seed, make_sorted(kind_)) {}

  void run() {
    for (int life = 0; life < 4 && !::testing::Test::HasFailure(); ++life) {
      const auto acts = static_cast<int>(50 + engine_() % 400);
      for (int i = 0; i < acts && !::testing::Test::HasFailure(); ++i) act();
      switch (engine_() % 3) {
        case 0:
          end_life([this] { world_.stop_in_order(); }, /*is_stop=*/true);
          break;
        case 1:
          end_life([this] { world_.lose_power(engine_()); }, /*is_stop=*/false);
          break;
        default:
          end_life([this] { world_.be_killed(); }, /*is_stop=*/false);
      }
    }
  }

 private:
  [[nodiscard]] SortedStore& store() { return static_cast<SortedStore&>(*world_.store); }
  /// The ready ones as they are to come: by rank, then by number.
  using Ready = std::set<std::pair<std::uint64_t, std::uint64_t>>;

  static std::uint64_t number_of(const Message& message) {
    const auto* text = reinterpret_cast<const char*>(message.body().data());
    return std::strtoull(std::string(text, message.body().size()).c_str(), nullptr, 10);
  }

  void act() {
    switch (engine_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        return push();
      case 4:
      case 5:
      case 6:
        return shift();
      case 7:
      case 8:
        return settle();
      case 9:
        return requeue();
      case 10:
        return remove();
      case 11:
        return list();
      case 12:
        world_.limits.is_memory_short = engine_() % 2 == 0;
        if (engine_() % 64 == 0) purge();
        return;
      case 13:
        if (engine_() % 8 == 0) world_.step_all(engine_);
        if (!kind_.is_by_due()) expire();
        return;
      default:
        world_.step(engine_);
    }
  }

  void push() {
    for (auto count = 1 + engine_() % 8; count > 0; --count) {
      const std::uint64_t number = ++last_number_;
      const std::string body = fmt::format("{} {}", number, std::string(engine_() % 400, 'x'));
      const bool is_persistent = engine_() % 4 != 0;
      const auto priority = static_cast<std::uint8_t>(engine_() % 6);
      Known& known = known_[number];
      known.is_kept = kind_.is_durable && (is_persistent || kind_.is_by_due());
      const bool expires = kind_.is_by_due() || engine_() % 4 != 0;
      known.expires_ms = expires ? some_time_ms + engine_() % 200 : 0;
      known.rank = kind_.is_by_due() ? known.expires_ms
                                     : kind_.priority_max - std::min(kind_.priority_max, priority);
      known.token = ++last_token_;
      const auto taken =
          store().push(make_message("x", "k", no_properties(),
                                    std::as_bytes(std::span(body.data(), body.size())),
                                    is_persistent, {.priority = priority}),
                       known.expires_ms, {ChannelId(1), known.token});
      EXPECT_NE(taken, MessageStore::Taken::refused);
      if (taken == MessageStore::Taken::safe) world_.confirmed.insert(known.token);
      ready_.insert({known.rank, number});
    }
    EXPECT_EQ(store().size(), ready_.size());
  }
  bool load_first() {
    if (store().first() != nullptr) return true;
    if (!ready_.empty()) world_.step(engine_);
    return false;
  }
  void hold(StoredMessage taken, std::uint64_t number) {
    const Known& known = known_[number];
    EXPECT_EQ(taken.expires_ms, known.expires_ms) << number;
    if (!kind_.is_by_due()) {
      EXPECT_EQ(taken.redelivered, known.is_redelivered) << number;
    }
    held_[taken.seq] = number;
    world_.shifted.emplace(taken.seq, std::move(taken));
  }
  void shift() {
    if (!load_first()) return;
    ASSERT_FALSE(ready_.empty());
    const std::uint64_t expected = ready_.begin()->second;
    StoredMessage taken = store().shift();
    ASSERT_EQ(number_of(*taken.message), expected);
    ready_.erase(ready_.begin());
    hold(std::move(taken), expected);
  }
  std::optional<StoredMessage> take_shifted() {
    if (world_.shifted.empty()) return std::nullopt;
    auto found = world_.shifted.begin();
    std::advance(found, static_cast<std::ptrdiff_t>(engine_() % world_.shifted.size()));
    StoredMessage taken = std::move(found->second);
    world_.shifted.erase(found);
    return taken;
  }
  void end(std::uint64_t number) {
    Known& known = known_[number];
    known.settled_token = ++last_token_;
    if (store().await_settled({ChannelId(1), known.settled_token}) == MessageStore::Taken::safe) {
      world_.confirmed.insert(known.settled_token);
    }
  }
  void settle() {
    const auto message = take_shifted();
    if (!message) return;
    store().settle(*message);
    end(held_[message->seq]);
  }
  void requeue() {
    auto message = take_shifted();
    if (!message) return;
    const std::uint64_t number = held_[message->seq];
    message->redelivered = known_[number].is_redelivered = true;
    ready_.insert({known_[number].rank, number});
    store().requeue(std::move(*message));
  }
  /// One that list() has told of, there or not.
  void remove() {
    if (listed_.empty()) return;
    auto found = listed_.begin();
    std::advance(found, static_cast<std::ptrdiff_t>(engine_() % listed_.size()));
    const auto [seq, number] = *found;
    listed_.erase(found);
    const bool is_there = ready_.erase({known_[number].rank, number}) != 0;
    const auto removed = store().extract(seq);
    EXPECT_EQ(removed.has_value(), is_there) << number;
    if (!removed) return;
    store().settle(*removed);
    end(number);
  }
  void list() {
    listed_.clear();
    if (ready_.empty()) return;
    // Told at once or when the disk has answered; what is there then is what was asked for.
    auto expected = std::make_shared<Ready>(ready_);
    store().list(MessageSeq(), 5, [this, expected](const std::vector<StoredMessage>& found) {
      ASSERT_EQ(found.size(), std::min<std::size_t>(5, expected->size()));
      auto next = expected->begin();
      for (const StoredMessage& stored : found) {
        EXPECT_EQ(number_of(*stored.message), next->second);
        listed_[stored.seq] = next++->second;
      }
    });
  }
  /// All that has expired by some moment, which never goes back.
  void expire() {
    now_ms_ = std::max(now_ms_, some_time_ms + engine_() % 200);
    const auto is_old = [this](const auto& one) {
      const std::uint64_t expires_ms = known_[one.second].expires_ms;
      return expires_ms != 0 && expires_ms <= now_ms_;
    };
    for (;;) {
      const StoredMessage* old = store().first_expired(now_ms_);
      if (old == nullptr && world_.step(engine_)) continue;
      if (old == nullptr) break;
      const std::uint64_t number = number_of(*old->message);
      ASSERT_TRUE(ready_.erase({known_[number].rank, number}) != 0);
      EXPECT_TRUE(is_old(std::pair(0, number)));
      hold(*store().extract(old->seq), number);
    }
    EXPECT_TRUE(std::ranges::none_of(ready_, is_old));
  }
  void purge() {
    EXPECT_EQ(store().purge(), ready_.size());
    for (const auto& [rank, number] : std::exchange(ready_, {})) end(number);
  }

  template <class End>
  void end_life(End end_it, bool is_stop) {
    std::set<std::uint64_t> must, may;
    for (const auto& [number, known] : known_) {
      if (!known.is_kept) continue;
      if (is_stop ? known.settled_token != 0 : world_.confirmed.contains(known.settled_token)) {
        continue;
      }
      may.insert(number);
      const bool is_safe = known.token == 0 || world_.confirmed.contains(known.token);
      if (known.settled_token == 0 && (is_safe || is_stop)) must.insert(number);
    }
    std::set<std::uint64_t> held;
    for (const auto& [seq, message] : world_.shifted) held.insert(held_[seq]);
    end_it();
    world_.start();
    ready_.clear();
    held_.clear();
    listed_.clear();
    const std::uint64_t size = store().size();
    std::optional<std::pair<std::uint64_t, std::uint64_t>> before;
    std::vector<StoredMessage> all;
    std::map<std::uint64_t, Known> known_now;
    for (std::uint64_t i = 0; i < size; ++i) {
      while (store().first() == nullptr && world_.step(engine_)) continue;
      ASSERT_NE(store().first(), nullptr);
      StoredMessage taken = store().shift();
      world_.shifted.emplace(taken.seq, taken);
      const std::uint64_t number = number_of(*taken.message);
      const Known& known = known_[number];
      const std::pair now(known.rank, number);
      EXPECT_TRUE(!before || *before < now) << number;
      EXPECT_TRUE(may.contains(number)) << number << " should not be there";
      EXPECT_EQ(taken.redelivered, !is_stop || held.contains(number) || known.is_redelivered);
      must.erase(number);
      before = now;
      ready_.insert(now);
      known_now[number] = {.expires_ms = known.expires_ms,
                           .rank = known.rank,
                           .is_kept = true,
                           .is_redelivered = taken.redelivered};
      all.push_back(std::move(taken));
    }
    EXPECT_EQ(store().size(), 0u);
    EXPECT_TRUE(must.empty()) << must.size() << " are lost, the first " << *must.begin();
    for (StoredMessage& message : all) {
      world_.shifted.erase(message.seq);
      store().requeue(std::move(message));
    }
    known_ = std::move(known_now);
  }

  std::mt19937_64 engine_;
  const Kind kind_;
  StoreWorld world_;
  std::map<std::uint64_t, Known> known_;
  Ready ready_;
  std::map<MessageSeq, std::uint64_t> held_;
  std::map<MessageSeq, std::uint64_t> listed_;
  std::uint64_t now_ms_ = some_time_ms;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_token_ = 0;
};

TEST(SortedStore, does_what_the_model_says_through_stops_and_crashes) {
  const auto [first, last] = testing::Seeds::wanted(200);
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("LEVERET_STORE_SEED={}", seed));
    // One of four keeps nothing.
    Story(seed, {.order = SortedStore::Order::due, .is_durable = seed % 4 != 0}).run();
    Story(seed, {.order = SortedStore::Order::arrival,
                 .is_durable = seed % 4 != 1,
                 .priority_max = static_cast<std::uint8_t>(seed % 3 == 0 ? 3 : 0)})
        .run();
  }
}

TEST(SortedStore, keeps_in_memory_what_is_due_first) {
  std::mt19937_64 engine(1);
  StoreWorld world(1, make_sorted({}));
  const std::string body(100, 'b');
  for (std::uint64_t i = 0; i < 500; ++i) {
    // The later they come the earlier they are due.
    static_cast<void>(world.store->push(
        make_message("x", "k", no_properties(), std::as_bytes(std::span(body)), true),
        some_time_ms + 1000 - i, {}));
    world.step_all(engine);
  }
  EXPECT_LT(world.store->resident_bytes(), 2 * world.limits.resident_bytes_max);
  EXPECT_NE(world.store->first(), nullptr);  // Without the disk.
}

}  // namespace
}  // namespace leveret
