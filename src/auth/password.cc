// SPDX-License-Identifier: Apache-2.0
#include "auth/password.h"

#include "auth/base64.h"
#include "base/assert.h"
#include "base/log.h"

#include <array>
#include <memory>
#include <optional>
#include <span>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace leveret {
namespace {

constexpr std::size_t salt_bytes = 4;

/// salt + digest(salt + password), in base64.
class SaltedDigest final : public PasswordScheme {
 public:
  constexpr SaltedDigest(std::string_view name, const char* digest)
      : name_(name), digest_(digest) {}

  std::string_view name() const override { return name_; }

  std::string hash(std::string_view password, Random& random) const override {
    std::string salted(salt_bytes, '\0');
    random.fill(std::as_writable_bytes(std::span(salted)));
    const std::optional<std::string> digest = digest_of(salted, password);
    LEVERET_ASSERT(digest, "OpenSSL has no {}", digest_);
    return encode_base64(salted + *digest);
  }

  bool verify(std::string_view password, std::string_view hash) const override {
    const std::optional<std::string> salted = decode_base64(hash);
    if (!salted || salted->size() < salt_bytes) return false;
    const std::string_view expected = std::string_view(*salted).substr(salt_bytes);
    const std::optional<std::string> digest =
        digest_of(std::string_view(*salted).substr(0, salt_bytes), password);
    if (!digest) {
      // An OpenSSL held to FIPS has no MD5: its users cannot log in, and the operator hears why.
      log(LogLevel::error, "auth", "digest_unavailable scheme={} digest={}", name_, digest_);
      return false;
    }
    return digest->size() == expected.size() &&
           CRYPTO_memcmp(digest->data(), expected.data(), expected.size()) == 0;
  }

  bool accepts(std::string_view hash) const override { return decode_base64(hash).has_value(); }

 private:
  /// Nothing when OpenSSL does not offer the digest.
  std::optional<std::string> digest_of(std::string_view salt, std::string_view password) const {
    const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> digest(
        EVP_MD_fetch(nullptr, digest_, nullptr), EVP_MD_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned int length = 0;
    if (!digest || !context || EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), salt.data(), salt.size()) != 1 ||
        EVP_DigestUpdate(context.get(), password.data(), password.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), bytes.data(), &length) != 1) {
      return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(bytes.data()), length);
  }

  std::string_view name_;
  const char* digest_;
};

const SaltedDigest sha256("rabbit_password_hashing_sha256", "SHA256");
const SaltedDigest sha512("rabbit_password_hashing_sha512", "SHA512");
const SaltedDigest md5("rabbit_password_hashing_md5", "MD5");

}  // namespace

const PasswordScheme* find_password_scheme(std::string_view name) {
  for (const SaltedDigest* scheme : {&sha256, &sha512, &md5}) {
    if (scheme->name() == name) return scheme;
  }
  return nullptr;
}

const PasswordScheme& default_password_scheme() { return sha256; }

PasswordHash hash_password(std::string_view password, Random& random) {
  const PasswordScheme& scheme = default_password_scheme();
  return {scheme.hash(password, random), std::string(scheme.name())};
}

}  // namespace leveret
