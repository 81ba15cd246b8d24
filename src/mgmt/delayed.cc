// SPDX-License-Identifier: Apache-2.0
//
// What exchanges hold back.
//
//   GET    /api/leveret/delayed/{vhost}/{exchange}       ?count=100&after=ID
//          The next that are due, those behind `after`: [{id, due_at, ...}]. due_at in milliseconds
//          since 1970. At most 1000, and fewer where they are long; none: there are no more.
//   DELETE /api/leveret/delayed/{vhost}/{exchange}/{id}  It will not be sent on.
#include "mgmt/answers.h"
#include "mgmt/resources.h"
#include "mgmt/views.h"
#include "queue/sorted_store.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace leveret {
namespace {

namespace json = boost::json;

constexpr std::uint64_t listed_by_default = 100;
constexpr std::uint64_t listed_max = 1000;

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Errors: the answer to give (401; 404 also for an exchange that holds nothing back).
std::expected<QueueHandlePtr, HttpResponse> find_held_back(const Call& call) {
  const auto vhost = find_vhost(call, call.name(0));
  if (!vhost) return std::unexpected(vhost.error());
  const auto exchange = (*vhost)->exchanges.find(call.name(1));
  if (exchange == (*vhost)->exchanges.end() || !exchange->second.exchange->held_back) {
    return std::unexpected(HttpResponse::not_found());
  }
  return exchange->second.exchange->held_back;
}

/// Errors: the answer to give (400).
std::expected<std::uint64_t, HttpResponse> asked_number(const Call& call, std::string_view name,
                                                        std::uint64_t otherwise) {
  const auto text = call.parameter(name);
  if (!text) return otherwise;
  if (const auto number = whole_number(*text)) return *number;
  return std::unexpected(
      HttpResponse::bad_request(fmt::format("{} should be a whole number", name)));
}

json::object view_of(const StoredMessage& stored) {
  const Message& message = *stored.message;
  return {// As text: not every reader of JSON keeps a number of 64 bits whole.
          {"id", std::to_string(stored.seq.value())},
          {"due_at", SortedStore::due_ms_of(stored.seq)},
          {"exchange", json_text(message.exchange())},
          {"routing_key", json_text(message.routing_key())},
          {"payload_bytes", message.body_bytes()},
          {"persistent", message.is_persistent()}};
}

void list(Call call) {
  const auto held_back = find_held_back(call);
  if (!respond_if_error(call, held_back)) return;
  const auto after = asked_number(call, "after", 0);
  if (!respond_if_error(call, after)) return;
  const auto count = asked_number(call, "count", listed_by_default);
  if (!respond_if_error(call, count)) return;
  Shard& shard = call.broker().here();
  shard.list_held_back(**held_back, MessageSeq(*after), std::min(*count, listed_max),
                       [call = std::move(call)](const Shard::HeldBackList& found) mutable {
                         json::array all;
                         for (const StoredMessage& stored : found) all.push_back(view_of(stored));
                         call.respond(HttpResponse::json(all));
                       });
}

void cancel(Call call) {
  const auto held_back = find_held_back(call);
  if (!respond_if_error(call, held_back)) return;
  const auto id = whole_number(call.name(2));
  if (!id) return call.respond(HttpResponse::not_found());
  Shard& shard = call.broker().here();
  shard.remove_held_back(
      **held_back, MessageSeq(*id), [call = std::move(call)](Removals::Outcome outcome) mutable {
        switch (outcome) {
          case Removals::Outcome::removed:
            return call.respond(HttpResponse::empty(204));
          case Removals::Outcome::not_there:
            return call.respond(HttpResponse::not_found());
          case Removals::Outcome::unsafe:
            return call.respond(HttpResponse::error(
                500, "storage_failed", "it is not sure to stay cancelled after a restart"));
        }
      });
}

}  // namespace

std::span<const Route> delayed_routes() {
  static constexpr Route routes[] = {
      {"GET", "/api/leveret/delayed/{}/{}", Need::administrator, list},
      {"DELETE", "/api/leveret/delayed/{}/{}/{}", Need::administrator, cancel},
  };
  return routes;
}

}  // namespace leveret
