// SPDX-License-Identifier: Apache-2.0
//
// Credentials: how a program says to the broker who it is.
//
//   ConnectionParameters{.credentials = PlainCredentials{"orders", "secret"}}
//   ConnectionParameters{.credentials = ExternalCredentials{}, .ssl_options = SSLOptions{...}}
//
// Each alternative is a mechanism. A broker that does not offer it: AuthenticationError.
//
// Thread: values.
// Source: pika, credentials; RabbitMQ: "Authentication, Authorisation, Access Control".

#pragma once

#include <iosfwd>
#include <string>
#include <variant>

namespace leveret {

/// Mechanism PLAIN: a name and a password. Neither may hold a NUL byte.
struct PlainCredentials {
  std::string username;
  std::string password;
  /// The connection forgets its copy of them when the broker has answered. The program's own stay.
  bool erase_on_connect = false;

  friend bool operator==(const PlainCredentials&, const PlainCredentials&) = default;
  /// Never the password.
  friend std::ostream& operator<<(std::ostream& out, const PlainCredentials& credentials);
};

/// Mechanism EXTERNAL: the broker takes the name from the certificate that TLS showed it.
struct ExternalCredentials {
  friend bool operator==(const ExternalCredentials&, const ExternalCredentials&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ExternalCredentials& credentials);
};

using Credentials = std::variant<PlainCredentials, ExternalCredentials>;

}  // namespace leveret
