// SPDX-License-Identifier: Apache-2.0
//
// Hashes marked as RabbitMQ's were made by 3.10.8: base64:encode(rabbit_password:hash(Scheme,
// Text)).
#include "auth/password.h"

#include "auth/base64.h"

#include <gtest/gtest.h>

namespace leveret {
namespace {

struct Kept {
  const char* scheme;
  const char* password;
  const char* hash;
};

class RabbitPassword : public testing::TestWithParam<Kept> {};

TEST_P(RabbitPassword, is_verified) {
  const PasswordScheme* scheme = find_password_scheme(GetParam().scheme);
  ASSERT_NE(scheme, nullptr);

  EXPECT_TRUE(scheme->verify(GetParam().password, GetParam().hash));
  EXPECT_FALSE(scheme->verify(std::string(GetParam().password) + "x", GetParam().hash));
  EXPECT_FALSE(scheme->verify("", GetParam().hash));
}

TEST_P(RabbitPassword, is_not_verified_when_one_bit_of_its_hash_differs) {
  const PasswordScheme* scheme = find_password_scheme(GetParam().scheme);
  ASSERT_NE(scheme, nullptr);
  std::string bytes = decode_base64(GetParam().hash).value();

  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    EXPECT_FALSE(scheme->verify(GetParam().password, encode_base64(bytes))) << "byte " << i;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    all, RabbitPassword,
    testing::Values(
        Kept{"rabbit_password_hashing_sha256", "guest",
             "bYyPXPFfX17K2py3AnxIkn9GlK9y5qC8PgjIKAhbM0mpt6jg"},
        Kept{"rabbit_password_hashing_sha512", "guest",
             "QPmU8ac3o/pQ4aCnPj1e6HDzxl+rBn+JQx/lJ3iwEe1gpHVUYflHaWpqHzXHbMNYXOFr0d9Bm7x0/"
             "3ofgF9HTohTj4w="},
        Kept{"rabbit_password_hashing_md5", "guest", "f0xNnXyGleZSirLUhxCeS1u3ZZU="},
        Kept{"rabbit_password_hashing_sha256", "gr\303\203\302\274n",
             "hSRUeMJZahnCgn9c/ohPe4hmEeThIeO+QSpBl0RntsHomoMQ"}));

TEST(Password, is_hashed_anew_each_time_and_verified) {
  SeededRandom random(1);

  const PasswordHash first = hash_password("secret", random);
  const PasswordHash second = hash_password("secret", random);

  EXPECT_EQ(first.scheme, "rabbit_password_hashing_sha256");
  EXPECT_NE(first.base64, second.base64);
  EXPECT_EQ(decode_base64(first.base64)->size(), 4u + 32u);
  EXPECT_TRUE(default_password_scheme().verify("secret", first.base64));
  EXPECT_TRUE(default_password_scheme().verify("secret", second.base64));
  EXPECT_FALSE(default_password_scheme().verify("Secret", first.base64));
}

TEST(Password, may_hold_any_bytes) {
  SeededRandom random(2);
  const std::string password("a\0b\xff", 4);

  const PasswordHash hash = hash_password(password, random);

  EXPECT_TRUE(default_password_scheme().verify(password, hash.base64));
  EXPECT_FALSE(default_password_scheme().verify(std::string("a\0c\xff", 4), hash.base64));
}

TEST(Password, is_refused_when_what_is_kept_is_no_hash) {
  for (const char* kept : {"", "AAAA", "AAAAAA==", "not base64!", "AAAAAAAA"}) {
    EXPECT_FALSE(default_password_scheme().verify("", kept)) << kept;
    EXPECT_FALSE(default_password_scheme().verify("guest", kept)) << kept;
  }
}

TEST(Password, has_no_scheme_of_an_unknown_name) {
  EXPECT_EQ(find_password_scheme("rabbit_password_hashing_rot13"), nullptr);
  EXPECT_EQ(find_password_scheme(""), nullptr);
}

TEST(Base64, goes_there_and_back) {
  // RFC 4648 §10.
  const std::pair<const char*, const char*> pairs[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : pairs) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(Base64, is_strict) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zg==Zg==", " Zg=", "Zm9v\n", "Zm 9", "Zm9-"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace leveret
