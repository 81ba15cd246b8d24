// SPDX-License-Identifier: Apache-2.0
#include "client/src/session_options.h"

#include "client/src/tables.h"

#include <stdexcept>
#include <variant>

namespace leveret::client {
namespace {

/// What we say of ourselves; RabbitMQ shows it, and acts on the capabilities.
FieldTable client_properties(const ConnectionParameters& parameters) {
  FieldTable properties{{"product", "Leveret C++ Client Library"},
                        {"version", LEVERET_VERSION},
                        {"platform", "C++"},
                        {"information", "libleveret"},
                        {"capabilities", FieldTable{{"authentication_failure_close", true},
                                                    {"basic.nack", true},
                                                    {"connection.blocked", true},
                                                    {"consumer_cancel_notify", true},
                                                    {"exchange_exchange_bindings", true},
                                                    {"publisher_confirms", true}}}};
  if (parameters.client_properties) {
    for (const auto& [name, value] : *parameters.client_properties) properties.set(name, value);
  }
  return properties;
}

}  // namespace

SessionOptions options_of(const ConnectionParameters& parameters) {
  SessionOptions options;
  const FieldTable properties = client_properties(parameters);
  if (const auto complaint = complaint_about(properties)) {
    throw std::invalid_argument("client_properties: " + *complaint);
  }
  options.client_properties = to_raw(properties);
  if (const auto* plain = std::get_if<PlainCredentials>(&parameters.credentials)) {
    options.mechanism = "PLAIN";
    options.response = std::string(1, '\0') + plain->username + '\0' + plain->password;
  } else {
    options.mechanism = "EXTERNAL";
  }
  options.locale = parameters.locale;
  options.virtual_host = parameters.virtual_host;
  options.channel_max = parameters.channel_max;
  options.frame_max = parameters.frame_max;
  options.heartbeat = parameters.heartbeat;
  if (parameters.blocked_connection_timeout) {
    options.blocked_timeout = *parameters.blocked_connection_timeout;
  }
  return options;
}

}  // namespace leveret::client
