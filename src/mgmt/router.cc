// SPDX-License-Identifier: Apache-2.0
#include "mgmt/router.h"

#include "mgmt/resources.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

namespace leveret {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// "/api/queues/%2F" -> "api", "queues", "%2F". A slash at the end changes nothing.
std::vector<std::string_view> cut(std::string_view path) {
  std::vector<std::string_view> pieces;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    pieces.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return pieces;
    path.remove_prefix(slash + 1);
  }
}

bool is_wildcard(std::string_view piece) { return piece == "{}"; }

bool is_match(std::span<const std::string_view> pattern, std::span<const std::string_view> path) {
  return std::ranges::equal(pattern, path, [](std::string_view want, std::string_view have) {
    return is_wildcard(want) || want == have;
  });
}

HttpResponse allow(int status, const std::set<std::string_view>& methods) {
  std::string text;
  for (const std::string_view method : methods) {
    if (method == "GET") text += "HEAD, ";
    text.append(method).append(", ");
  }
  HttpResponse response = status == 405
                              ? HttpResponse::error(405, "method_not_allowed", "Method Not Allowed")
                              : HttpResponse::empty(status);
  response.headers.emplace_back("allow", text + "OPTIONS");
  return response;
}

}  // namespace

std::optional<std::string> decode_percent(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

Router::Router(std::vector<Route> routes) {
  for (const Route& route : routes) entries_.push_back({cut(route.path), route});
}

std::expected<Router::Match, HttpResponse> Router::find(std::string_view method,
                                                        std::string_view target) const {
  const auto path = cut(target.substr(0, target.find_first_of("?#")));
  if (method == "HEAD") method = "GET";
  std::set<std::string_view> methods;
  for (const Entry& entry : entries_) {
    if (!is_match(entry.pieces, path)) continue;
    if (entry.route.method != method) {
      methods.insert(entry.route.method);
      continue;
    }
    Match match{&entry.route, {}};
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (!is_wildcard(entry.pieces[i])) continue;
      auto name = decode_percent(path[i]);
      if (!name) return std::unexpected(HttpResponse::bad_request("malformed path"));
      match.names.push_back(std::move(*name));
    }
    return match;
  }
  if (methods.empty()) return std::unexpected(HttpResponse::not_found());
  return std::unexpected(allow(method == "OPTIONS" ? 200 : 405, methods));
}

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto routes :
       {overview_routes(), node_routes(), vhost_routes(), user_routes(), permission_routes(),
        exchange_routes(), queue_routes(), binding_routes(), connection_routes(), channel_routes(),
        consumer_routes(), policy_routes(), limit_routes(), alarm_routes(), journal_routes(),
        delayed_routes(), leveret_routes()}) {
    all.insert(all.end(), routes.begin(), routes.end());
  }
  return all;
}

}  // namespace leveret
