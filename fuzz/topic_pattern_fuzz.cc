// SPDX-License-Identifier: Apache-2.0
//
// A topic exchange against the plain definition of its patterns. The input is a program, a line a
// step: "+pattern" binds, "-pattern" unbinds, "=key" routes. Each pattern leads to a queue of its
// own; after each step the trie holds what is bound and nothing else.

#include "base/assert.h"
#include "routing/routing_table.h"
#include "routing/testing/plain_topic.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {
namespace {

class Program {
 public:
  Program() { table_.add_exchange("t", ExchangeType::topic, ""); }

  void step(std::string_view line) {
    if (line.empty()) return;
    const std::string_view key = line.substr(1, 255);  // The wire's short strings end there.
    switch (line.front()) {
      case '+':
        add(key);
        break;
      case '-':
        remove(key);
        break;
      case '=':
        check(key);
        break;
      default:
        return;
    }
    LEVERET_ASSERT(table_.binding_count() == bound_.size());
  }

  /// With no pattern left, nothing is reached.
  void finish() {
    while (!bound_.empty()) remove(std::string(bound_.begin()->first));
    check("a.b");
  }

 private:
  void add(std::string_view pattern) {
    const auto [bound, is_new] = bound_.try_emplace(std::string(pattern), QueueId(next_id_));
    if (is_new) table_.add_queue(pattern, QueueId(next_id_++));
    table_.bind_queue("t", pattern, pattern, amqp::RawTable());
  }

  void remove(std::string_view pattern) {
    table_.unbind_queue("t", pattern, pattern, amqp::RawTable());
    table_.remove_queue(pattern);
    if (const auto bound = bound_.find(pattern); bound != bound_.end()) bound_.erase(bound);
  }

  void check(std::string_view key) {
    std::vector<QueueId> expected;
    for (const auto& [pattern, id] : bound_) {
      if (testing::topic_matches(pattern, key)) expected.push_back(id);
    }
    std::vector<QueueId> reached;
    table_.route(*table_.find("t"), key, amqp::RawTable(), reached);
    std::ranges::sort(expected);
    std::ranges::sort(reached);
    LEVERET_ASSERT(reached == expected);
  }

  RoutingTable table_;
  std::map<std::string, QueueId, std::less<>> bound_;
  std::uint64_t next_id_ = 1;
};

void run(std::string_view input) {
  Program program;
  for (std::size_t begin = 0; begin <= input.size();) {
    const std::size_t end = std::min(input.find('\n', begin), input.size());
    program.step(input.substr(begin, end - begin));
    begin = end + 1;
  }
  program.finish();
}

}  // namespace
}  // namespace leveret

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
