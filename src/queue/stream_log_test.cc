// SPDX-License-Identifier: Apache-2.0
#include "queue/stream_log.h"

#include "amqp/basic_properties.h"
#include "queue/stream_cursor.h"
#include "queue/testing/log_world.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr OwnerId owner{7};
constexpr OwnerId neighbour{8};
constexpr std::uint64_t page_bytes = 2000;
constexpr std::uint64_t some_time_ms = 1'700'000'000'000;

/// Somebody else with entries in the same segments, who settles most of them.
class Neighbour final : public LoggedStore {
 public:
  void push(Journal& journal, std::size_t bytes) {
    const std::string data(bytes, 'n');
    ++last_seq_;
    kept_[last_seq_] =
        journal.append(neighbour, last_seq_, 0, Durability::os, {}, std::as_bytes(std::span(data)));
  }
  void settle(Journal& journal, std::mt19937_64& engine) {
    std::erase_if(kept_, [&](const auto& one) {
      if (engine() % 8 == 0) return false;
      journal.settle(neighbour, one.first, one.second.location, one.second.share);
      return true;
    });
  }
  void forget() { kept_.clear(); }

  void find_alive(OwnerId, SegmentId segment, std::span<const IndexEntry> entries,
                  std::vector<IndexEntry>& alive) override {
    std::ranges::copy_if(entries, std::back_inserter(alive), [&](const IndexEntry& entry) {
      const auto found = kept_.find(entry.seq);
      return found != kept_.end() && found->second.location.segment == segment;
    });
  }
  void relocate(OwnerId, SegmentId segment, std::span<Relocation> relocations) override {
    for (Relocation& one : relocations) {
      const auto found = kept_.find(one.from.seq);
      one.is_alive = found != kept_.end() && found->second.location.segment == segment;
      if (one.is_alive) found->second.location = one.to;
    }
  }

 private:
  std::map<std::uint64_t, Journal::Appended> kept_;
  std::uint64_t last_seq_ = 0;
};

class StreamWorld : public testing::LogWorld, public StreamListener {
 public:
  explicit StreamWorld(std::uint64_t seed) : LogWorld(seed) {
    limits.resident_bytes_max = 8 * 1024;
    start();
  }

  using LogWorld::start;
  using LogWorld::stop_in_order;
  void on_more() override { ++more; }

  std::unique_ptr<StreamLog> stream;
  Neighbour others;
  std::vector<RecoveredPage> left;
  int more = 0;

 protected:
  void begin_life(Recovered& recovered) override {
    stream =
        std::make_unique<StreamLog>(&message_log(), limits, StreamLog::Options{.owner = owner});
    stream->set_listener(*this);
    stream->set_page_bytes_max(page_bytes);
    stream->recover(std::move(recovered.owners[owner]));
    // What it had has gone with it.
    for (const RecoveredPage& page : recovered.owners[neighbour].pages) left.push_back(page);
    message_log().add(neighbour, others);
  }
  void end_life() override {
    stream.reset();
    others.forget();
  }
};

MessagePtr message_of(std::uint64_t number, std::size_t body_bytes = 20) {
  std::string body = fmt::format("{:08}", number);
  body.resize(std::max<std::size_t>(body_bytes, 8), '.');
  return make_message("x", "k", amqp::no_properties, std::as_bytes(std::span(body)));
}
std::uint64_t number_of(const Message& message) {
  return std::stoull(std::string(reinterpret_cast<const char*>(message.body().data()), 8));
}
std::int64_t offset_of(const Message& message) {
  return amqp::peek_headers(message.properties())->find("x-stream-offset")->as_integer().value();
}

class StreamLogTest : public ::testing::Test {
 protected:
  void push(std::uint64_t number, std::uint64_t now_ms = some_time_ms) {
    const auto message = message_of(number);
    EXPECT_NE(world_.stream->push(*message, now_ms, {}), MessageStore::Taken::refused);
  }
  void push_durable(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number)
      push(number, some_time_ms + number);
    world_.step_all(engine_);
  }
  /// All that the cursor gets without that more is pushed.
  std::vector<std::uint64_t> rest_of(StreamCursor& cursor) {
    std::vector<std::uint64_t> numbers;
    do {
      while (const StoredMessage* next = cursor.first()) {
        numbers.push_back(number_of(*next->message));
        cursor.advance();
      }
    } while (world_.step(engine_));
    return numbers;
  }
  std::vector<std::uint64_t> read(StreamStart start) {
    StreamCursor cursor(*world_.stream, world_, start);
    return rest_of(cursor);
  }
  static std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (; first <= last; ++first) all.push_back(first);
    return all;
  }

  std::mt19937_64 engine_{1};
  StreamWorld world_{1};
};

using At = StreamStart::At;

TEST_F(StreamLogTest, is_read_from_anywhere) {
  push_durable(0, 999);
  EXPECT_LT(world_.stream->resident_bytes(), 8u * 1024);
  EXPECT_EQ(read({At::first}), numbers(0, 999));
  EXPECT_THAT(read({At::last}), ElementsAre(999));
  EXPECT_THAT(read({At::next}), IsEmpty());
  EXPECT_EQ(read({At::offset, 0}), numbers(0, 999));
  EXPECT_EQ(read({At::offset, 123}), numbers(123, 999));
  EXPECT_THAT(read({At::offset, 999}), ElementsAre(999));
  EXPECT_THAT(read({At::offset, 1000}), IsEmpty());
  EXPECT_THAT(read({At::offset, UINT64_MAX}), IsEmpty());
}

TEST_F(StreamLogTest, is_read_from_a_time) {
  push_durable(0, 999);
  EXPECT_EQ(read({At::time, some_time_ms - 1}), numbers(0, 999));
  for (const std::uint64_t number : {0, 1, 17, 500, 998, 999}) {
    EXPECT_EQ(read({At::time, some_time_ms + number}), numbers(number, 999));
  }
  EXPECT_THAT(read({At::time, some_time_ms + 1000}), IsEmpty());
  EXPECT_THAT(read({At::time, UINT64_MAX}), IsEmpty());
}

TEST_F(StreamLogTest, says_in_each_message_where_it_is) {
  push_durable(100, 700);
  StreamCursor cursor(*world_.stream, world_, {At::first});
  std::int64_t offset = 0;
  do {
    while (const StoredMessage* next = cursor.first()) {
      ASSERT_EQ(offset_of(*next->message), offset++);
      ASSERT_EQ(next->seq.value(), static_cast<std::uint64_t>(offset));
      cursor.advance();
    }
  } while (world_.step(engine_));
  EXPECT_EQ(offset, 601);
}

TEST_F(StreamLogTest, is_read_no_further_than_a_crash_leaves_it) {
  StreamCursor cursor(*world_.stream, world_, {At::first});
  push(1);
  EXPECT_EQ(cursor.first(), nullptr);
  EXPECT_EQ(world_.more, 0);
  world_.step_all(engine_);
  EXPECT_EQ(world_.more, 1);
  ASSERT_NE(cursor.first(), nullptr);
  EXPECT_EQ(number_of(*cursor.first()->message), 1u);
}

TEST_F(StreamLogTest, is_read_at_once_where_nothing_need_be_kept) {
  world_.stream->set_durability(Durability::memory);
  push(1);
  EXPECT_THAT(read({At::first}), ElementsAre(1));
}

TEST_F(StreamLogTest, lets_a_reader_go_back) {
  push_durable(0, 999);
  StreamCursor cursor(*world_.stream, world_, {At::first});
  for (int i = 0; i < 100; ++i) {
    while (cursor.first() == nullptr) ASSERT_TRUE(world_.step(engine_));
    cursor.advance();
  }
  cursor.go_back(51);
  EXPECT_EQ(rest_of(cursor), numbers(50, 999));
  cursor.go_back(991);
  EXPECT_EQ(rest_of(cursor), numbers(990, 999));
}

TEST_F(StreamLogTest, a_reader_meets_what_comes) {
  push_durable(0, 499);
  StreamCursor cursor(*world_.stream, world_, {At::offset, 100});
  StreamCursor next(*world_.stream, world_, {At::next});
  StreamCursor later(*world_.stream, world_, {At::offset, 600});
  EXPECT_EQ(rest_of(cursor), numbers(100, 499));
  push_durable(500, 999);
  EXPECT_EQ(rest_of(cursor), numbers(500, 999));
  EXPECT_EQ(rest_of(next), numbers(500, 999));
  EXPECT_EQ(rest_of(later), numbers(600, 999));
}

TEST_F(StreamLogTest, forgets_the_oldest_pages_when_there_is_too_much) {
  push_durable(0, 999);
  const std::uint64_t before = world_.stream->size();
  const auto dropped = world_.stream->retain(3 * page_bytes, StreamLog::unlimited, some_time_ms);
  EXPECT_GT(dropped.too_many, 0u);
  EXPECT_EQ(dropped.too_old, 0u);
  EXPECT_EQ(world_.stream->size(), before - dropped.too_many);
  EXPECT_EQ(read({At::first}), numbers(dropped.too_many, 999));
  EXPECT_EQ(read({At::offset, 0}), numbers(dropped.too_many, 999));
  world_.step_all(engine_);
  EXPECT_LT(world_.journal().counts().live_bytes, 4 * page_bytes);
}

TEST_F(StreamLogTest, never_forgets_the_last_page) {
  push_durable(0, 999);
  world_.stream->retain(0, StreamLog::unlimited, some_time_ms);
  const auto left = read({At::first});
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.back(), 999u);
  world_.stop_in_order({});
  world_.start();
  push_durable(1000, 1000);
  EXPECT_EQ(world_.stream->next_seq(), 1002u);
}

TEST_F(StreamLogTest, forgets_pages_that_are_too_old) {
  push_durable(0, 999);  // A millisecond each.
  const auto dropped = world_.stream->retain(StreamLog::unlimited, 500, some_time_ms + 1000);
  EXPECT_GT(dropped.too_old, 400u);
  EXPECT_LE(dropped.too_old, 501u);
  EXPECT_EQ(read({At::first}), numbers(dropped.too_old, 999));
  const auto next_ms = world_.stream->next_age_ms(500);
  ASSERT_TRUE(next_ms);
  EXPECT_GT(*next_ms, some_time_ms + 1000);
  EXPECT_EQ(world_.stream->retain(StreamLog::unlimited, 500, *next_ms - 1).too_old, 0u);
  EXPECT_GT(world_.stream->retain(StreamLog::unlimited, 500, *next_ms).too_old, 0u);
}

TEST_F(StreamLogTest, learns_after_a_start_how_old_its_pages_are) {
  push_durable(0, 999);
  world_.stop_in_order({});
  world_.start();
  std::uint64_t dropped = 0;
  for (;;) {
    const int more = world_.more;
    dropped += world_.stream->retain(StreamLog::unlimited, 500, some_time_ms + 1000).too_old;
    world_.step_all(engine_);
    if (world_.more == more) break;
  }
  EXPECT_GT(dropped, 300u);
  EXPECT_LE(dropped, 501u);
  EXPECT_EQ(read({At::first}), numbers(dropped, 999));
  EXPECT_EQ(read({At::time, some_time_ms + 700}), numbers(700, 999));
}

TEST_F(StreamLogTest, a_reader_goes_on_behind_what_is_forgotten) {
  push_durable(0, 999);
  StreamCursor cursor(*world_.stream, world_, {At::first});
  while (cursor.first() == nullptr) ASSERT_TRUE(world_.step(engine_));
  const auto dropped = world_.stream->retain(3 * page_bytes, StreamLog::unlimited, some_time_ms);
  const auto read = rest_of(cursor);
  ASSERT_FALSE(read.empty());
  EXPECT_TRUE(std::ranges::is_sorted(read));
  EXPECT_EQ(read.back(), 999u);
  EXPECT_GE(read.size(), 1000 - dropped.too_many);
}

TEST_F(StreamLogTest, needs_no_disk) {
  StreamLog stream(nullptr, world_.limits, {.owner = owner});
  stream.set_listener(world_);
  stream.set_page_bytes_max(page_bytes);
  for (std::uint64_t number = 0; number < 500; ++number) {
    EXPECT_EQ(stream.push(*message_of(number), some_time_ms, {}), MessageStore::Taken::safe);
  }
  const auto dropped = stream.retain(2 * page_bytes, StreamLog::unlimited, some_time_ms);
  EXPECT_GT(dropped.too_many, 0u);
  StreamCursor cursor(stream, world_, {At::first});
  EXPECT_EQ(rest_of(cursor), numbers(dropped.too_many, 499));
}

TEST_F(StreamLogTest, goes_on_behind_what_cannot_be_read) {
  push_durable(0, 999);
  world_.stop_in_order({});
  world_.start();
  world_.stop_in_order({});
  world_.spoil(SegmentId(1));
  world_.start();
  const auto left = read({At::first});
  ASSERT_FALSE(left.empty());
  EXPECT_GT(left.front(), 0u);
  EXPECT_EQ(left, numbers(left.front(), 999));
  EXPECT_EQ(read({At::time, some_time_ms + 700}), numbers(700, 999));
  EXPECT_EQ(read({At::time, some_time_ms}), left);
  // Nobody knows how old the spoilt page is. It is not dropped for that.
  for (int i = 0; i < 3; ++i) {
    const auto dropped = world_.stream->retain(StreamLog::unlimited, 500, some_time_ms + 1000);
    EXPECT_EQ(dropped.too_old, 0u);
    world_.step_all(engine_);
  }
  EXPECT_GT(world_.stream->retain(StreamLog::unlimited, 500, some_time_ms + 1500).too_old, 0u);
}

TEST_F(StreamLogTest, is_too_old_only_when_it_may_be_read) {
  for (std::uint64_t number = 0; number < 200; ++number) push(number);
  EXPECT_EQ(world_.stream->next_age_ms(10), std::nullopt);
  EXPECT_EQ(world_.stream->retain(StreamLog::unlimited, 10, some_time_ms + 100).too_old, 0u);
  world_.step_all(engine_);
  EXPECT_EQ(world_.stream->next_age_ms(10), some_time_ms + 10);
  EXPECT_GT(world_.stream->retain(StreamLog::unlimited, 10, some_time_ms + 100).too_old, 0u);
}

/// A stream among others in the journal, whose segments are moved; it stops and crashes, and is
/// compared with a plain map.
class Story {
 public:
  explicit Story(std::uint64_t seed) : engine_(seed), world_(seed) {}

  void run() {
    for (int i = 0; i < 1500 && !::testing::Test::HasFailure(); ++i) act();
    moved_ += world_.journal().counts().segments_moved;
  }
  [[nodiscard]] std::uint64_t segments_moved() const { return moved_; }

 private:
  void act() {
    switch (engine_() % 128) {
      case 0:
        return end_life([&] { world_.stop_in_order({}); }, /*is_stop=*/true);
      case 1:
        return end_life([&] { world_.lose_power(engine_()); }, /*is_stop=*/false);
      case 2:
        return end_life([&] { world_.be_killed(); }, /*is_stop=*/false);
      case 3:
        return retain();
      case 4:
      case 5:
        return world_.others.settle(world_.journal(), engine_);
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
        return read_somewhere();
      default:
        if (engine_() % 2 == 0) world_.others.push(world_.journal(), engine_() % 1000);
        if (engine_() % 2 == 0) push();
        if (engine_() % 4 == 0) world_.step(engine_);
    }
  }

  void push() {
    now_ms_ += engine_() % 10;
    const std::uint64_t seq = world_.stream->next_seq();
    const std::uint64_t token = ++last_token_;
    const auto taken = world_.stream->push(*message_of(token, engine_() % 200), now_ms_,
                                           {.channel = ChannelId(1), .sequence = token});
    EXPECT_EQ(taken, MessageStore::Taken::waiting);
    known_[seq] = {token, now_ms_};
  }
  void retain() {
    const auto dropped = world_.stream->retain(
        (engine_() % 8 + 2) * page_bytes,
        engine_() % 2 == 0 ? StreamLog::unlimited : engine_() % 3000, now_ms_);
    for (std::uint64_t i = 0; i < dropped.too_many + dropped.too_old; ++i) {
      ASSERT_FALSE(known_.empty());
      known_.erase(known_.begin());
    }
    EXPECT_EQ(world_.stream->size(), known_.size());
  }

  /// A reader, who may be waiting for the disk while anything else happens.
  struct Reader {
    std::unique_ptr<StreamCursor> cursor;
    std::uint64_t next_seq;  // He has had, or did not want, what is before.
  };

  void read_somewhere() {
    if (readers_.size() < 4) return begin_reading();
    const auto reader = readers_.begin() + static_cast<std::ptrdiff_t>(engine_() % readers_.size());
    for (std::uint64_t count = engine_() % 100; count != 0; --count) {
      const StoredMessage* next = reader->cursor->first();
      if (next == nullptr) {
        if (engine_() % 4 != 0) world_.step(engine_);
        continue;
      }
      look_at(*next, *reader);
      reader->cursor->advance();
      if (engine_() % 50 != 0) continue;
      // Back to one that he has had.
      reader->next_seq -= std::min(engine_() % 5, reader->next_seq - 1);
      reader->cursor->go_back(reader->next_seq);
    }
    if (engine_() % 8 == 0) readers_.erase(reader);
  }
  void begin_reading() {
    const auto wanted = known_.lower_bound(engine_() % (world_.stream->next_seq() + 2));
    if (wanted == known_.end()) return;
    StreamStart start{At::offset, wanted->first - 1};
    auto first = wanted;
    if (engine_() % 2 == 0) {
      start = {At::time, wanted->second.came_ms};
      while (first != known_.begin() && std::prev(first)->second.came_ms == start.value) --first;
    }
    readers_.push_back(
        {std::make_unique<StreamCursor>(*world_.stream, world_, start), first->first});
  }
  void look_at(const StoredMessage& message, Reader& reader) {
    const std::uint64_t seq = message.seq.value();
    ASSERT_GE(seq, reader.next_seq);
    const auto known = known_.find(seq);
    if (known != known_.end()) {
      ASSERT_EQ(number_of(*message.message), known->second.token);
      ASSERT_EQ(message.expires_ms, known->second.came_ms);
    } else {
      ASSERT_TRUE(known_.empty() || seq < known_.begin()->first) << "it is not there";
    }
    const auto passed_over = known_.lower_bound(reader.next_seq);
    ASSERT_TRUE(passed_over == known_.end() || passed_over->first >= seq) << "it was passed over";
    highest_read_ = std::max(highest_read_, seq);
    reader.next_seq = seq + 1;
  }

  template <class End>
  void end_life(End end_it, bool is_stop) {
    moved_ += world_.journal().counts().segments_moved;
    std::uint64_t must_upto = is_stop ? world_.stream->next_seq() - 1 : highest_read_;
    for (const auto& [seq, known] : known_) {
      if (world_.confirmed.contains(known.token)) must_upto = std::max(must_upto, seq);
    }
    readers_.clear();
    end_it();
    world_.start();
    for (const RecoveredPage& page : std::exchange(world_.left, {})) {
      world_.journal().drop(page.segment, page.count, page.share_bytes);
    }
    ASSERT_GT(world_.stream->next_seq(), must_upto);
    // What was never confirmed may be gone, from the end on.
    while (!known_.empty() && known_.rbegin()->first >= world_.stream->next_seq()) {
      known_.erase(std::prev(known_.end()));
    }
    // A page that was dropped is back, when that had not reached the disk.
    if (!known_.empty()) {
      ASSERT_LE(world_.stream->first_seq(), known_.begin()->first);
      world_.step_all(engine_);
    }
    take_back_dropped();
    EXPECT_EQ(world_.stream->size(), known_.size());
  }
  void take_back_dropped() {
    StreamCursor cursor(*world_.stream, world_, {At::first});
    std::map<std::uint64_t, Known> found;
    do {
      while (const StoredMessage* next = cursor.first()) {
        const Known read{number_of(*next->message), next->expires_ms};
        const auto known = known_.find(next->seq.value());
        if (known != known_.end()) {
          EXPECT_EQ(known->second.token, read.token);
          EXPECT_EQ(known->second.came_ms, read.came_ms);
        } else {
          EXPECT_TRUE(known_.empty() || next->seq.value() < known_.begin()->first);
        }
        found[next->seq.value()] = read;
        cursor.advance();
      }
    } while (world_.step(engine_));
    for (const auto& [seq, known] : known_) EXPECT_TRUE(found.contains(seq)) << seq << " is lost";
    known_ = std::move(found);
  }

  struct Known {
    std::uint64_t token;
    std::uint64_t came_ms;
  };

  std::mt19937_64 engine_;
  StreamWorld world_;
  std::map<std::uint64_t, Known> known_;  // By seq.
  std::vector<Reader> readers_;
  std::uint64_t now_ms_ = some_time_ms;
  std::uint64_t last_token_ = 0;
  std::uint64_t highest_read_ = 0;
  std::uint64_t moved_ = 0;
};

TEST(StreamLog, does_what_the_model_says_through_stops_and_crashes) {
  const auto [first, last] = testing::Seeds::wanted(200);
  std::uint64_t moved = 0;
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("LEVERET_STORE_SEED={}", seed));
    Story story(seed);
    story.run();
    moved += story.segments_moved();
  }
  EXPECT_GT(moved, (last - first) / 10);
}

}  // namespace
}  // namespace leveret
