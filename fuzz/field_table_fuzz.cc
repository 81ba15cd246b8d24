// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a field table. The view and the owning table must agree on what is well formed and
// on every key; what is read must encode to as many bytes, and those must read the same.

#include "amqp/field_table.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace leveret::amqp {
namespace {

void check_keys(RawTable raw, const FieldTable& table) {
  auto entry = table.begin();
  const bool was_walked = raw.for_each([&](std::string_view key, FieldValueView view) {
    LEVERET_ASSERT(entry != table.end() && entry->name == key);
    LEVERET_ASSERT(entry->value.type() == view.type());
    LEVERET_ASSERT(entry->value.as_integer() == view.as_integer());
    LEVERET_ASSERT(entry->value.as_double() == view.as_double());
    LEVERET_ASSERT(FieldValue::decode(*raw.find(key)) == *table.find(key));
    ++entry;
  });
  LEVERET_ASSERT(was_walked && entry == table.end());
}

void run(std::span<const std::byte> input) {
  // A copy of its own size, so that a read past the end is seen.
  const std::vector<std::byte> bytes(input.begin(), input.end());
  const RawTable raw(bytes);

  const AmqpResult<FieldTable> table = FieldTable::decode(raw);
  LEVERET_ASSERT(table.has_value() == raw.is_well_formed());
  if (!table) return;

  check_keys(raw, *table);
  LEVERET_ASSERT(!table->to_text().empty());
  LEVERET_ASSERT(table->encoded_size() == bytes.size());
  const std::vector<std::byte> again = table->to_raw();
  const AmqpResult<FieldTable> table_again = FieldTable::decode(RawTable(again));
  LEVERET_ASSERT(table_again && *table_again == *table);
  LEVERET_ASSERT(table_again->to_raw() == again);
}

}  // namespace
}  // namespace leveret::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::amqp::run(std::as_bytes(std::span(data, size)));
  return 0;
}
