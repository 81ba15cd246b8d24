// SPDX-License-Identifier: Apache-2.0
#include "auth/mechanism.h"

#include <utility>

#include <openssl/crypto.h>

namespace leveret {

Credentials::Credentials(std::string_view user, std::string_view password)
    : user_(user), password_(password) {}

Credentials::Credentials(Credentials&& other) noexcept
    : user_(std::move(other.user_)), password_(std::move(other.password_)) {
  other.wipe();
}

Credentials& Credentials::operator=(Credentials&& other) noexcept {
  if (this != &other) {
    wipe();
    user_ = std::move(other.user_);
    password_ = std::move(other.password_);
    other.wipe();
  }
  return *this;
}

Credentials::~Credentials() { wipe(); }

void Credentials::wipe() {
  // All that the string has, not only what it uses: a short string that was moved from says it is
  // empty and still holds its characters.
  password_.resize(password_.capacity());
  OPENSSL_cleanse(password_.data(), password_.size());
  password_.clear();
}

std::optional<Credentials> parse_plain(std::string_view response) {
  if (!response.starts_with('\0')) return std::nullopt;
  const std::size_t user_end = response.find('\0', 1);
  if (user_end == response.npos) return std::nullopt;
  const std::string_view password = response.substr(user_end + 1);
  if (password.find('\0') != password.npos) return std::nullopt;
  return Credentials(response.substr(1, user_end - 1), password);
}

}  // namespace leveret
