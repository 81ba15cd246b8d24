// SPDX-License-Identifier: Apache-2.0
#include "client/src/ssl_options_table.h"

#include "client/src/parameter_ranges.h"
#include "client/src/quoted.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace leveret::client {
namespace {

struct SslText {
  std::string_view key;
  std::string SSLOptions::*member;
};
// Of two names of one thing, pika asks for the second here first.
constexpr std::array<SslText, 11> ssl_texts{{{"cafile", &SSLOptions::cafile},
                                             {"ca_certs", &SSLOptions::cafile},
                                             {"capath", &SSLOptions::capath},
                                             {"ca_path", &SSLOptions::capath},
                                             {"cadata", &SSLOptions::cadata},
                                             {"ca_data", &SSLOptions::cadata},
                                             {"certfile", &SSLOptions::certfile},
                                             {"keyfile", &SSLOptions::keyfile},
                                             {"password", &SSLOptions::password},
                                             {"ciphers", &SSLOptions::ciphers},
                                             {"server_hostname", &SSLOptions::server_hostname}}};

// Complaints about ssl_options are without values: one of them is a password.
[[noreturn]] void refuse_ssl(std::string_view key, std::string_view allowed) {
  throw std::invalid_argument(
      fmt::format("ssl_options has a wrong {} in the URL; allowed: {}", key, allowed));
}

struct SslChoice {
  std::string_view key;
  bool (*set)(SSLOptions& options, const FieldValue& value);  // False: refused.
  std::string_view allowed;
};

bool set_verify_mode(SSLOptions& options, const FieldValue& value) {
  const auto number = value.as_integer();
  options.verify_mode = number == 0 ? VerifyMode::none : VerifyMode::peer;
  return number && *number >= 0 && *number <= 2;  // CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED.
}

bool set_check_hostname(SSLOptions& options, const FieldValue& value) {
  options.check_hostname = value.as_bool().value_or(true);
  return value.as_bool().has_value();
}

bool set_minimum_version(SSLOptions& options, const FieldValue& value) {
  const std::string* const name = value.as_string();
  if (name == nullptr) return false;
  options.minimum_version = *name == "TLSv1_3" ? TLSVersion::tlsv1_3 : TLSVersion::tlsv1_2;
  return *name == "TLSv1_3" || *name == "TLSv1_2";
}

bool is_known_protocol(SSLOptions&, const FieldValue& value) {
  const auto number = value.as_integer();
  return number == 2 || number == 5 || number == 16;  // PROTOCOL_TLS, _TLSv1_2, _TLS_CLIENT.
}

constexpr std::array<SslChoice, 5> ssl_choices{{
    {"cert_reqs", set_verify_mode, "0, 1, 2"},
    {"verify_mode", set_verify_mode, "0, 1, 2"},
    {"check_hostname", set_check_hostname, "True, False"},
    {"minimum_version", set_minimum_version, "'TLSv1_2', 'TLSv1_3'"},
    {"protocol", is_known_protocol, "2, 5, 16"},
}};

}  // namespace

SSLOptions ssl_options_in(const FieldTable& table) {
  SSLOptions options;
  for (const auto& [name, value] : table) {
    const auto is_it = [&](const auto& row) { return row.key == name; };
    if (std::ranges::any_of(ssl_texts, is_it) || std::ranges::any_of(ssl_choices, is_it)) continue;
    throw std::invalid_argument(
        fmt::format("ssl_options has the unknown key {} in the URL; known: {}, {}", quoted(name),
                    names_of(ssl_texts), names_of(ssl_choices)));
  }
  const auto find = [&](std::string_view key) {
    const FieldValue* const found = table.find(key);
    return found == nullptr || found->get_if<Void>() != nullptr ? nullptr : found;
  };
  for (const SslText& row : ssl_texts) {
    const FieldValue* const found = find(row.key);
    if (found == nullptr) continue;
    if (found->as_string() == nullptr) refuse_ssl(row.key, "text, None");
    if (!found->as_string()->empty()) options.*row.member = *found->as_string();
  }
  for (const SslChoice& row : ssl_choices) {
    const FieldValue* const found = find(row.key);
    if (found != nullptr && !row.set(options, *found)) refuse_ssl(row.key, row.allowed);
  }
  return options;
}

}  // namespace leveret::client
