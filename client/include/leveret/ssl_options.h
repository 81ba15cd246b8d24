// SPDX-License-Identifier: Apache-2.0
//
// SSLOptions: TLS as Python's ssl module names its parts. SSLOptions{} is the safe choice: a
// certificate that an authority of the system's store vouches for and that has the host's name,
// over TLS 1.2 or later.
//
//   SSLOptions{.cafile = "/etc/leveret/ca.pem"}                       our own authority
//   SSLOptions{.certfile = "client.pem", .keyfile = "client.key"}     the broker asks for ours, too
//
// An empty string is an option that was not given. Files are PEM and are read when a connection is
// opened; one that cannot be read: AMQPConnectionError.
//
// Thread: values.

#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace leveret {

enum class VerifyMode : std::uint8_t {
  none,  ///< Any certificate will do: secret from listeners, open to whoever sits in between.
  peer,  ///< An authority must vouch for the broker's certificate.
};

enum class TLSVersion : std::uint8_t { tlsv1_2, tlsv1_3 };

// The `= {}` keep compilers from warning of those that designated initialisers leave out.
struct SSLOptions {
  // Authorities. If any of the three is given, the system's store is not asked.
  std::string cafile = {};  ///< A file of certificates. pika's URLs: ca_certs, too.
  std::string capath = {};  ///< A folder of them, named by hash (openssl rehash).
  std::string cadata = {};  ///< The certificates themselves, PEM.

  // What we show when the broker asks. EXTERNAL needs it.
  std::string certfile = {};  ///< Our certificate, then those between it and the authority.
  std::string keyfile = {};   ///< Its key; empty: in certfile, too.
  std::string password = {};  ///< Of the key, if it is encrypted.

  std::string ciphers = {};  ///< OpenSSL's notation; of TLS 1.2, not of 1.3.
  VerifyMode verify_mode = VerifyMode::peer;
  /// The certificate must have the name `server_hostname`. Means nothing with VerifyMode::none.
  bool check_hostname = true;
  /// The name to check, and to tell the broker (SNI); empty: the host that was connected to.
  std::string server_hostname = {};
  TLSVersion minimum_version = TLSVersion::tlsv1_2;

  friend bool operator==(const SSLOptions&, const SSLOptions&) = default;
  /// Neither the password nor cadata.
  friend std::ostream& operator<<(std::ostream& out, const SSLOptions& options);
};

}  // namespace leveret
