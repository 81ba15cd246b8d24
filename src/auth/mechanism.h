// SPDX-License-Identifier: Apache-2.0
//
// What a client says about itself when it logs in. PLAIN is parsed here; AMQPLAIN is a field table,
// which the session reads and makes Credentials of.
//
// Thread: values.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace leveret {

/// A user and a password, which is wiped from memory when this is moved from or destroyed.
class Credentials {
 public:
  Credentials(std::string_view user, std::string_view password);
  Credentials(Credentials&& other) noexcept;
  Credentials& operator=(Credentials&& other) noexcept;
  ~Credentials();

  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] const std::string& password() const { return password_; }

 private:
  void wipe();

  std::string user_;
  std::string password_;
};

/// NUL user NUL password; nothing when `response` is anything else. RFC 4616 has an authorization
/// identity before the first NUL; RabbitMQ refuses a response that has one, and so do we. A
/// password holds no NUL.
[[nodiscard]] std::optional<Credentials> parse_plain(std::string_view response);

}  // namespace leveret
