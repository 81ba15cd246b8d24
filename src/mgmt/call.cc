// SPDX-License-Identifier: Apache-2.0
#include "mgmt/call.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace leveret {

std::optional<std::string_view> Call::parameter(std::string_view name) const {
  const std::string& target = request_.target;
  const std::size_t question = target.find('?');
  if (question == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(target).substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

std::expected<boost::json::object, HttpResponse> Call::body() const {
  if (request_.body.empty()) return boost::json::object();
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(request_.body, error);
  if (error) return std::unexpected(HttpResponse::bad_request("not_json"));
  if (!value.is_object()) return std::unexpected(HttpResponse::bad_request("not_json_object"));
  return std::move(value.as_object());
}

std::expected<std::optional<std::string>, HttpResponse> find_text(const boost::json::object& body,
                                                                  std::string_view key) {
  const boost::json::value* value = body.if_contains({key.data(), key.size()});
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) {
    return std::unexpected(HttpResponse::bad_request(fmt::format("{} must be a string", key)));
  }
  return std::string(value->get_string().data(), value->get_string().size());
}

std::expected<std::optional<std::vector<std::string>>, HttpResponse> find_tags(
    const boost::json::object& body) {
  const auto wrong = [] {
    return std::unexpected(
        HttpResponse::bad_request("tags must be a string or an array of strings"));
  };
  const boost::json::value* value = body.if_contains("tags");
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> tags;
  if (const auto* text = value->if_string()) {
    std::string_view rest(text->data(), text->size());
    while (!rest.empty()) {
      std::string_view tag = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), tag.size() + 1));
      while (tag.starts_with(' ')) tag.remove_prefix(1);
      while (tag.ends_with(' ')) tag.remove_suffix(1);
      if (!tag.empty()) tags.emplace_back(tag);
    }
    return tags;
  }
  const auto* list = value->if_array();
  if (list == nullptr) return wrong();
  for (const boost::json::value& tag : *list) {
    if (!tag.is_string()) return wrong();
    tags.emplace_back(tag.get_string().data(), tag.get_string().size());
  }
  return tags;
}

}  // namespace leveret
