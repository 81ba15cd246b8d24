// SPDX-License-Identifier: Apache-2.0
#include "queue/deduplication.h"

#include "amqp/basic_properties.h"

#include <cstddef>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace leveret {
namespace {

using amqp::FieldType;
using amqp::FieldValueView;

IdHash hash_of(std::span<const std::byte> bytes, FieldType type) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(bytes.data(), bytes.size(), static_cast<XXH64_hash_t>(type));
  return {.low = hash.low64, .high = hash.high64};
}

IdHash hash_of(const FieldValueView& value) {
  if (const auto number = value.as_integer()) {
    return hash_of(std::as_bytes(std::span(&*number, 1)), FieldType::int64);
  }
  const bool is_text = value.type() == FieldType::byte_array;
  return hash_of(value.bytes(), is_text ? FieldType::long_string : value.type());
}

std::uint64_t end_of(std::uint64_t now_ms, std::uint64_t ttl_ms) {
  return ttl_ms > RecentIds::never - now_ms ? RecentIds::never : now_ms + ttl_ms;
}

}  // namespace

std::optional<Deduplication::Id> Deduplication::id_of(const Message& message) const {
  const amqp::RawTable headers =
      amqp::peek_headers(message.properties()).value_or(amqp::RawTable());
  const auto value = headers.find(rules_.header);
  if (!value || value->type() == FieldType::void_value) return std::nullopt;
  Id id{.hash = hash_of(*value), .ttl_ms = rules_.ttl_ms};
  if (rules_.holds == DeduplicationRules::Holds::last) {
    const auto said = headers.find("x-cache-ttl");
    const auto ttl_ms = said ? said->as_integer() : std::nullopt;
    if (ttl_ms && *ttl_ms >= 0) id.ttl_ms = static_cast<std::uint64_t>(*ttl_ms);
  }
  return id;
}

void Deduplication::hold(const Id& id, std::uint64_t now_ms) {
  ids_.add(id.hash, end_of(now_ms, id.ttl_ms), now_ms);
}

void Deduplication::on_left(const Message& message) {
  if (holds_present()) on_dead_lettered(message);
}

void Deduplication::on_dead_lettered(const Message& message) {
  const std::optional<Id> id = id_of(message);
  if (!id) return;
  ids_.remove(id->hash);
  if (is_finding_) left_.push_back(id->hash);
}

void Deduplication::on_left_but(std::span<const MessagePtr> present, std::uint64_t now_ms) {
  if (!holds_present()) return;
  has_lost_count_ = is_finding_;
  ids_.clear();
  for (const MessagePtr& message : present) {
    if (const std::optional<Id> id = id_of(*message)) hold(*id, now_ms);
  }
}

void Deduplication::hold_found(const Message& message) {
  if (const std::optional<Id> id = id_of(message)) hold(*id, 0);
}

void Deduplication::end_finding() {
  for (const IdHash& id : left_) ids_.remove(id);
  if (has_lost_count_) ids_.clear();
  is_finding_ = has_lost_count_ = false;
  std::vector<IdHash>().swap(left_);
}

}  // namespace leveret
