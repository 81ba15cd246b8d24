// SPDX-License-Identifier: Apache-2.0
//
// Call: one request on its way to its answer; and ManagementContext, what the answers are made of.
//
// A handler takes the Call and answers it once, now or in a later turn; a Call may answer after its
// connection has gone, and then nothing happens. One that is dropped unanswered (the workers stop)
// leaves its connection to the server's end.
//
// Thread: worker 0.

#pragma once

#include "base/clock.h"
#include "mgmt/http_message.h"
#include "mgmt/http_server.h"
#include "mgmt/identity.h"
#include "vhost/broker.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret {

/// Outlives every Call, which share it; the Broker outlives both.
struct ManagementContext {
  Broker& broker;
  WallTime started_at;
  HttpServer::Deps deps;
  std::uint16_t port = 0;  ///< The management API's own; 0: no TCP.
};

class Call {
 public:
  using Respond = std::move_only_function<void(const HttpResponse&)>;

  Call(std::shared_ptr<const ManagementContext> context, HttpRequest request, Identity identity,
       Respond respond)
      : context_(std::move(context)),
        request_(std::move(request)),
        identity_(std::move(identity)),
        respond_(std::move(respond)) {}

  void respond(const HttpResponse& response) { std::exchange(respond_, nullptr)(response); }

  [[nodiscard]] const ManagementContext& context() const { return *context_; }
  [[nodiscard]] Broker& broker() const { return context_->broker; }
  [[nodiscard]] const HttpRequest& request() const { return request_; }
  [[nodiscard]] const Identity& identity() const { return identity_; }

  /// What stood in the n-th {} of the path, decoded.
  [[nodiscard]] const std::string& name(std::size_t n) const { return names_[n]; }
  void set_names(std::vector<std::string> names) { names_ = std::move(names); }
  /// What the query says of it, not decoded: `?count=100`. Nothing: it is not there.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
  /// `?if-unused=true`
  [[nodiscard]] bool has_flag(std::string_view name) const { return parameter(name) == "true"; }
  /// The body as a JSON object; an empty body is an empty object.
  /// Errors: the answer to give (400).
  [[nodiscard]] std::expected<boost::json::object, HttpResponse> body() const;

 private:
  std::shared_ptr<const ManagementContext> context_;
  HttpRequest request_;
  Identity identity_;
  Respond respond_;
  std::vector<std::string> names_;
};

/// A text of the object, if it is there.
/// Errors: the answer to give (400), when it is something else than a text.
[[nodiscard]] std::expected<std::optional<std::string>, HttpResponse> find_text(
    const boost::json::object& body, std::string_view key);

/// Tags, which RabbitMQ takes as "a,b" or ["a", "b"].
/// Errors: the answer to give (400).
[[nodiscard]] std::expected<std::optional<std::vector<std::string>>, HttpResponse> find_tags(
    const boost::json::object& body);

}  // namespace leveret
