// SPDX-License-Identifier: Apache-2.0
//
// Passwords as RabbitMQ keeps them: a hash in base64 beside the name of its scheme, so that users
// exported from a RabbitMQ log in here, and ours there.
//
//   rabbit_password_hashing_sha256   base64(salt4 + SHA-256(salt4 + password)), the default
//   rabbit_password_hashing_sha512   the same with SHA-512
//   rabbit_password_hashing_md5      the same with MD5; for users kept since RabbitMQ 3.5
//
// A scheme decides all of what its hash text means, so that a slow one can stand beside these.
//
// Thread: any. Spec: RabbitMQ: passwords.

#pragma once

#include "base/random.h"

#include <string>
#include <string_view>

namespace leveret {

class PasswordScheme {
 public:
  virtual ~PasswordScheme() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::string hash(std::string_view password, Random& random) const = 0;
  /// True when `hash` was made from `password`. Takes as long for a near miss as for a far one.
  /// A text that is no hash of this scheme matches no password.
  [[nodiscard]] virtual bool verify(std::string_view password, std::string_view hash) const = 0;
  /// True for what can be kept as a hash: text this scheme can read, or nothing (no password).
  [[nodiscard]] virtual bool accepts(std::string_view hash) const = 0;
};

/// The scheme of that name; null when there is none.
[[nodiscard]] const PasswordScheme* find_password_scheme(std::string_view name);

/// What new passwords are hashed with.
[[nodiscard]] const PasswordScheme& default_password_scheme();

/// A password as it is kept.
struct PasswordHash {
  std::string base64;  ///< Empty: there is no password, and nobody logs in with one.
  std::string scheme;
};

[[nodiscard]] PasswordHash hash_password(std::string_view password, Random& random);

}  // namespace leveret
