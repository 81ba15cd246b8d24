// SPDX-License-Identifier: Apache-2.0
#include "routing/hash_exchange.h"

#include "amqp/basic_properties.h"
#include "base/assert.h"
#include "routing/message_headers.h"
#include "routing/name_hash.h"
#include "routing/reached.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <tuple>

#include <fmt/format.h>

namespace leveret {
namespace {

constexpr std::string_view hash_header = "hash-header";
constexpr std::string_view hash_property = "hash-property";

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Evenly between 0 and 1, neither of them.
double as_fraction(std::uint64_t hash) {
  constexpr double steps = 1ULL << 53;
  return (static_cast<double>(hash >> 11) + 0.5) / steps;
}

auto order_of(const Binding& binding) {
  return std::tuple(binding.destination.name_hash(), std::string_view(binding.routing_key),
                    std::string_view(binding.arguments));
}

}  // namespace

void RandomExchange::match(const Publication&, Reached& reached) const {
  if (bindings_.empty()) return;
  // xorshift64*: nobody's secret.
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  const std::uint64_t number = (state_ * 0x2545f4914f6cdd1d) >> 32;
  reached.add(
      *(bindings_.begin() + static_cast<std::ptrdiff_t>(number % bindings_.size()))->destination);
}

void ModulusExchange::add(Binding& binding) {
  const auto place = std::ranges::upper_bound(
      bindings_, order_of(binding), {}, [](const Binding* other) { return order_of(*other); });
  bindings_.insert(place, &binding);
}

void ModulusExchange::remove(Binding& binding) { std::erase(bindings_, &binding); }

void ModulusExchange::match(const Publication& publication, Reached& reached) const {
  if (bindings_.empty()) return;
  const std::uint64_t hash = hash_of_name(publication.routing_keys.front());
  reached.add(bindings_[hash % bindings_.size()]->destination);
}

ConsistentHashExchange::ConsistentHashExchange(std::string_view name,
                                               std::string_view alternate_exchange,
                                               amqp::RawTable arguments)
    : Exchange(name, ExchangeType::consistent_hash, alternate_exchange) {
  if (const auto header = arguments.find(hash_header)) {
    header_ = header->as_string().value_or("");
  }
  const auto property = arguments.find(hash_property);
  const std::string_view wanted = property ? property->as_string().value_or("") : "";
  if (wanted == "message_id") property_ = Property::message_id;
  if (wanted == "correlation_id") property_ = Property::correlation_id;
  if (wanted == "timestamp") property_ = Property::timestamp;
}

void ConsistentHashExchange::add(Binding& binding) {
  const std::int64_t weight = integer_in(binding.routing_key).value_or(0);
  const bool is_there = std::ranges::any_of(buckets_, [&binding](const Bucket& bucket) {
    return &bucket.binding->destination == &binding.destination;
  });
  if (weight <= 0 || is_there) return;
  buckets_.push_back({&binding, binding.destination.name_hash(), static_cast<double>(weight)});
}

void ConsistentHashExchange::remove(Binding& binding) {
  std::erase_if(buckets_, [&binding](const Bucket& bucket) { return bucket.binding == &binding; });
}

std::uint64_t ConsistentHashExchange::hash_of(const Publication& publication) const {
  if (!header_.empty()) {
    for (const Header& header : publication.headers.sorted()) {
      if (header.key != header_) continue;
      if (const auto text = header.value.as_string()) return hash_of_name(*text);
      return hash_of_bytes(header.value.bytes());
    }
    return 0;
  }
  if (property_ == Property::none) return hash_of_name(publication.routing_keys.front());
  const auto properties = amqp::BasicProperties::decode(publication.properties);
  if (!properties) return 0;
  if (property_ == Property::timestamp) {
    const std::uint64_t seconds = properties->timestamp.value_or(0);
    return hash_of_bytes(std::as_bytes(std::span(&seconds, 1)));
  }
  const auto& text =
      property_ == Property::message_id ? properties->message_id : properties->correlation_id;
  return text ? hash_of_name(*text) : 0;
}

void ConsistentHashExchange::match(const Publication& publication, Reached& reached) const {
  if (buckets_.empty()) return;
  const std::uint64_t hash = hash_of(publication);
  const Bucket* best = nullptr;
  double best_score = -std::numeric_limits<double>::infinity();
  for (const Bucket& bucket : buckets_) {
    const double score = std::log(as_fraction(mix(hash, bucket.name_hash))) / bucket.weight;
    if (best != nullptr && score <= best_score) continue;
    best = &bucket;
    best_score = score;
  }
  reached.add(best->binding->destination);
}

amqp::AmqpResult<void> validate_hash_arguments(amqp::RawTable arguments,
                                               std::string_view resource) {
  const auto refuse = [](std::string text) {
    return amqp::refuse(amqp::ReplyCode::precondition_failed, std::move(text));
  };
  for (const std::string_view name : {hash_header, hash_property}) {
    const auto value = arguments.find(name);
    if (value && !value->as_string()) {
      return refuse(fmt::format("invalid type '{}' for arg '{}' in {}",
                                amqp::field_type_name(value->type()), name, resource));
    }
  }
  const auto property = arguments.find(hash_property);
  if (!property) return {};
  if (arguments.find(hash_header)) {
    return refuse("hash-header and hash-property are mutually exclusive");
  }
  const std::string_view name = *property->as_string();
  if (name == "message_id" || name == "correlation_id" || name == "timestamp") return {};
  return refuse(fmt::format("Unsupported property: {}", name));
}

amqp::AmqpResult<void> validate_hash_weight(std::string_view routing_key) {
  const auto weight = integer_in(routing_key);
  if (weight && *weight > 0) return {};
  return amqp::refuse(
      amqp::ReplyCode::precondition_failed,
      weight ? "The binding key must be greater than 0"
             : fmt::format("The binding key must be an integer: {}",
                           routing_key.empty() ? "<<>>" : fmt::format("<<\"{}\">>", routing_key)));
}

}  // namespace leveret
