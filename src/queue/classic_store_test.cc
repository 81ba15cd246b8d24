// SPDX-License-Identifier: Apache-2.0
//
// The classic store, alone and one for each priority, against a model: whatever is pushed, shifted,
// settled, requeued, purged, moved, left to the disk and read again, in whatever order, through
// stops and crashes, what comes from the head is what the model says.
#include "queue/classic_store.h"

#include "journal/owner_names.h"
#include "queue/priority_store.h"
#include "queue/testing/store_world.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

constexpr OwnerId owner{7};
using testing::StoreWorld;

std::unique_ptr<MessageStore> make_store(MessageLog& log, const StoreLimits& limits,
                                         Recovered& recovered, std::uint8_t priority_max) {
  const ClassicStore::Options options{.owner = owner, .is_durable = true};
  const bool is_clean = recovered.report.is_clean;
  if (priority_max == 0) {
    auto made = std::make_unique<ClassicStore>(&log, limits, options);
    made->recover(std::move(recovered.owners[owner]), is_clean);
    return made;
  }
  auto made = std::make_unique<PriorityStore>(&log, limits, options, priority_max);
  for (unsigned i = 0; i <= priority_max; ++i) {
    const auto priority = static_cast<std::uint8_t>(i);
    const auto found = recovered.owners.find(owner_of_priority(owner, priority));
    if (found == recovered.owners.end()) continue;
    made->recover(priority, std::move(found->second), is_clean);
  }
  return made;
}
/// For a StoreWorld.
StoreWorld::Make with_priorities(std::uint8_t priority_max) {
  return [priority_max](MessageLog& log, const StoreLimits& limits, Recovered& recovered) {
    return make_store(log, limits, recovered, priority_max);
  };
}

/// What a message is, by its number, which its body begins with. Numbers grow as they are pushed.
struct Known {
  bool is_persistent = false;
  std::uint64_t token = 0;          // Of its publish; confirmed or not.
  std::uint64_t settled_token = 0;  // Of a barrier behind its settling; zero: not settled.
  bool was_shifted = false;
  bool may_come_back = false;  // It was settled when nobody promised that this would last.
};

class Story {
 public:
  /// One of three has priorities.
  explicit Story(std::uint64_t seed)
      : engine_(seed),
        in_turn_{static_cast<std::uint8_t>(seed % 3 == 0 ? 3 : 0)},
        world_(seed, with_priorities(in_turn_.priority_max)) {}

  void run() {
    for (int life = 0; life < 4 && !::testing::Test::HasFailure(); ++life) {
      const auto acts = static_cast<int>(50 + engine_() % 400);
      for (int i = 0; i < acts && !::testing::Test::HasFailure(); ++i) act();
      switch (engine_() % 3) {
        case 0:
          stop();
          break;
        case 1:
          crash([this] { world_.lose_power(engine_()); });
          break;
        default:
          crash([this] { world_.be_killed(); });
      }
    }
  }

 private:
  /// More than the queue knows, too.
  static std::uint64_t priority_of(std::uint64_t number) { return number / 2 % 6; }
  struct InTurn {
    std::uint8_t priority_max = 0;
    bool operator()(std::uint64_t a, std::uint64_t b) const {
      const auto rank = [this](std::uint64_t number) {
        return priority_max - std::min<std::uint64_t>(priority_max, priority_of(number));
      };
      return std::pair(rank(a), a) < std::pair(rank(b), b);
    }
  };

  void act() {
    if (engine_() % 64 == 0) {
      durability_ = engine_() % 2 == 0 ? Durability::fsync : Durability::memory;
      world_.store->set_durability(durability_);
    }
    switch (engine_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return push();
      case 5:
      case 6:
      case 7:
        return shift();
      case 8:
      case 9:
        return settle();
      case 10:
        return requeue();
      case 11:
        world_.limits.is_memory_short = engine_() % 2 == 0;
        return;
      case 12:
        if (engine_() % 16 == 0) purge();
        return;
      case 13:
        if (engine_() % 8 == 0) world_.step_all(engine_);
        return;
      default:
        world_.step(engine_);
    }
  }

  void push() {
    for (auto count = 1 + engine_() % 8; count > 0; --count) {
      const std::uint64_t number = ++last_number_;
      const std::string body = fmt::format("{} {}", number, std::string(engine_() % 400, 'x'));
      Known& known = known_[number];
      const bool is_persistent = engine_() % 4 != 0;
      known.is_persistent = is_persistent && durability_ != Durability::memory;
      known.token = ++last_token_;
      const auto taken = world_.store->push(
          make_message("", "q", amqp_no_properties(),
                       std::as_bytes(std::span(body.data(), body.size())), is_persistent,
                       {.priority = static_cast<std::uint8_t>(priority_of(number))}),
          expiry_of(number), {ChannelId(1), known.token});
      EXPECT_NE(taken, MessageStore::Taken::refused);
      if (taken == MessageStore::Taken::safe) world_.confirmed.insert(known.token);
      ready_.insert(number);
    }
    EXPECT_EQ(world_.store->size(), ready_.size());
  }
  /// Of two messages of three.
  static std::uint64_t expiry_of(std::uint64_t number) {
    return number % 3 == 0 ? 0 : 1'000'000'000'000 + number;
  }
  static std::span<const std::byte> amqp_no_properties() {
    static constexpr std::byte none[2] = {};
    return none;
  }
  static std::uint64_t number_of(const Message& message) {
    const auto* text = reinterpret_cast<const char*>(message.body().data());
    return std::strtoull(std::string(text, message.body().size()).c_str(), nullptr, 10);
  }
  void shift() {
    if (world_.store->first() == nullptr) {
      if (!ready_.empty()) world_.step(engine_);
      return;
    }
    ASSERT_FALSE(ready_.empty());
    StoredMessage taken = world_.store->shift();
    const std::uint64_t number = number_of(*taken.message);
    ASSERT_EQ(number, *ready_.begin());
    EXPECT_EQ(taken.expires_ms, expiry_of(number));
    EXPECT_EQ(taken.redelivered, is_redelivered_.contains(number)) << number;
    ready_.erase(ready_.begin());
    known_[number].was_shifted = true;
    held_[taken.seq] = number;
    world_.shifted.emplace(taken.seq, std::move(taken));
  }
  /// A shifted message, any; end() if there is none.
  auto any_shifted() {
    auto found = world_.shifted.begin();
    if (!world_.shifted.empty()) {
      std::advance(found, static_cast<std::ptrdiff_t>(engine_() % world_.shifted.size()));
    }
    return found;
  }
  void settle() {
    const auto found = any_shifted();
    if (found == world_.shifted.end()) return;
    const StoredMessage message = std::move(found->second);
    world_.shifted.erase(found);
    Known& known = known_[held_[message.seq]];
    world_.store->settle(message);
    known.settled_token = ++last_token_;
    known.may_come_back = durability_ == Durability::memory;
    if (world_.store->await_settled({ChannelId(1), known.settled_token}) ==
        MessageStore::Taken::safe) {
      world_.confirmed.insert(known.settled_token);
    }
  }
  void requeue() {
    const auto found = any_shifted();
    if (found == world_.shifted.end()) return;
    StoredMessage message = std::move(found->second);
    world_.shifted.erase(found);
    const std::uint64_t number = held_[message.seq];
    message.redelivered = true;
    is_redelivered_.insert(number);
    ready_.insert(number);
    world_.store->requeue(std::move(message));
  }
  void purge() {
    EXPECT_EQ(world_.store->purge(), ready_.size());
    const std::uint64_t token = ++last_token_;
    static_cast<void>(world_.store->await_settled({ChannelId(1), token}));
    for (const std::uint64_t number : ready_) {
      known_[number].settled_token = token;
      known_[number].may_come_back = durability_ == Durability::memory;
    }
    ready_.clear();
  }

  void stop() {
    ready_.clear();
    is_redelivered_.clear();
    for (const auto& [number, known] : known_) {
      if (!known.is_persistent || known.settled_token != 0) continue;
      ready_.insert(number);
      if (known.was_shifted) is_redelivered_.insert(number);
    }
    world_.stop_in_order();
    begin_anew();
    EXPECT_EQ(world_.store->size(), ready_.size());
  }

  template <class Die>
  void crash(Die die) {
    std::set<std::uint64_t> must, may;
    for (const auto& [number, known] : known_) {
      if (!known.is_persistent) continue;
      if (!known.may_come_back && world_.confirmed.contains(known.settled_token)) continue;
      may.insert(number);
      const bool is_safe = known.token == 0 || world_.confirmed.contains(known.token);
      if (known.settled_token == 0 && is_safe) must.insert(number);
    }
    die();
    ready_.clear();
    begin_anew();
    // All of it is looked at, and put back.
    const std::uint64_t size = world_.store->size();
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
      while (world_.store->first() == nullptr && world_.step(engine_)) continue;
      ASSERT_NE(world_.store->first(), nullptr);
      StoredMessage taken = world_.store->shift();
      const std::uint64_t number = number_of(*taken.message);
      EXPECT_TRUE(i == 0 || in_turn_(before, number));
      EXPECT_TRUE(may.contains(number)) << number << " should not be there";
      EXPECT_TRUE(taken.redelivered);
      must.erase(number);
      before = number;
      world_.shifted.emplace(taken.seq, std::move(taken));
      ready_.insert(number);
    }
    EXPECT_EQ(world_.store->size(), 0u);
    EXPECT_TRUE(must.empty()) << must.size() << " are lost, the first " << *must.begin();
    for (auto& [seq, message] : world_.shifted) world_.store->requeue(std::move(message));
    world_.shifted.clear();
    is_redelivered_ = ready_;
    known_.clear();  // Some may be back whose settling did not reach the disk.
    for (const std::uint64_t number : ready_) {
      known_[number] = {.is_persistent = true, .was_shifted = true};
    }
  }

  /// What is known of what came before: it is there, and nobody waits to hear so.
  void begin_anew() {
    std::erase_if(known_, [](const auto& one) {
      return !one.second.is_persistent || one.second.settled_token != 0;
    });
    for (auto& [number, known] : known_) known.token = 0;
    held_.clear();
    world_.start();
    durability_ = Durability::fsync;
  }

  std::mt19937_64 engine_;
  const InTurn in_turn_;
  StoreWorld world_;
  Durability durability_ = Durability::fsync;
  std::map<std::uint64_t, Known> known_;
  std::set<std::uint64_t, InTurn> ready_{in_turn_};
  std::set<std::uint64_t, InTurn> is_redelivered_{in_turn_};
  std::map<MessageSeq, std::uint64_t> held_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_token_ = 0;
};

TEST(ClassicStore, leaves_the_places_of_moved_messages_to_the_indexes) {
  constexpr OwnerId other{8};
  constexpr std::uint64_t messages = 1000;
  const std::string filler(600, 'f');
  std::mt19937_64 engine(1);
  StoreWorld world(1, with_priorities(0));
  std::vector<Journal::Appended> fillers;
  for (std::uint64_t i = 1; i <= messages; ++i) {
    static_cast<void>(world.store->push(
        make_message("", "q", {}, std::as_bytes(std::span("body")), /*is_persistent=*/true),
        /*expires_ms=*/0, {}));
    fillers.push_back(world.journal().append(other, i, 0, Durability::fsync, {},
                                             std::as_bytes(std::span(filler))));
    world.step_all(engine);
  }
  // Now each segment holds little that is alive, and is moved.
  for (std::uint64_t i = 1; i <= messages; ++i) {
    const Journal::Appended& one = fillers[i - 1];
    world.journal().settle(other, i, one.location, one.share);
  }
  world.step_all(engine);

  EXPECT_GT(world.journal().counts().segments_moved, 50u);
  EXPECT_LT(static_cast<const ClassicStore&>(*world.store).places(), messages / 4);
  for (std::uint64_t seq = 1; seq <= messages; ++seq) {
    while (world.store->first() == nullptr && world.step(engine)) continue;
    ASSERT_NE(world.store->first(), nullptr);
    EXPECT_EQ(world.store->shift().seq.value(), seq);
  }
}

TEST(ClassicStore, does_what_the_model_says_through_stops_and_crashes) {
  const auto [first, last] = testing::Seeds::wanted(300);
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("LEVERET_STORE_SEED={}", seed));
    Story(seed).run();
  }
}

}  // namespace
}  // namespace leveret
