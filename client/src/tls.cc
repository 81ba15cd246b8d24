// SPDX-License-Identifier: Apache-2.0
#include "client/src/tls.h"

#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

namespace leveret::client {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

/// What is wrong with the options; empty: nothing, and they are in force.
std::string configure(ssl::context& context, const SSLOptions& options) {
  std::string complaint;  // The first.
  const auto attempt = [&](std::string_view what, std::string_view which, auto&& step) {
    error_code error;
    step(error);
    if (error && complaint.empty()) {
      complaint = fmt::format("{} '{}': {}", what, which, error.message());
    }
  };
  if (!options.cafile.empty()) {
    attempt("cafile", options.cafile,
            [&](error_code& error) { context.load_verify_file(options.cafile, error); });
  }
  if (!options.capath.empty()) {
    attempt("capath", options.capath,
            [&](error_code& error) { context.add_verify_path(options.capath, error); });
  }
  if (!options.cadata.empty()) {
    attempt("cadata", "...", [&](error_code& error) {
      context.add_certificate_authority(boost::asio::buffer(options.cadata), error);
    });
  }
  if (options.cafile.empty() && options.capath.empty() && options.cadata.empty()) {
    attempt("the certificates of", "the system",
            [&](error_code& error) { context.set_default_verify_paths(error); });
  }
  if (!options.password.empty()) {
    attempt("password", "...", [&](error_code& error) {
      context.set_password_callback(
          [password = options.password](std::size_t, ssl::context::password_purpose) {
            return password;
          },
          error);
    });
  }
  if (!options.certfile.empty()) {
    const std::string& key = options.keyfile.empty() ? options.certfile : options.keyfile;
    attempt("certfile", options.certfile, [&](error_code& error) {
      context.use_certificate_chain_file(options.certfile, error);
    });
    attempt("keyfile", key, [&](error_code& error) {
      context.use_private_key_file(key, ssl::context::pem, error);
    });
  }
  if (!complaint.empty()) return complaint;
  SSL_CTX* native = context.native_handle();
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(native, options.ciphers.c_str()) != 1) {
    return fmt::format("ciphers '{}': OpenSSL knows none of them", options.ciphers);
  }
  const int version =
      options.minimum_version == TLSVersion::tlsv1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(native, version) != 1) {
    return "minimum_version: OpenSSL does not have it";
  }
  return {};
}

}  // namespace

std::expected<TlsStream, std::string> make_tls(const SSLOptions& options, const std::string& host,
                                               boost::asio::ip::tcp::socket& socket) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  if (std::string complaint = configure(*context, options); !complaint.empty()) {
    return std::unexpected(std::move(complaint));
  }
  auto stream = std::make_unique<ssl::stream<boost::asio::ip::tcp::socket&>>(socket, *context);
  const std::string& name = options.server_hostname.empty() ? host : options.server_hostname;
  error_code is_no_address;
  boost::asio::ip::make_address(name, is_no_address);
  // SNI is for names.
  if (is_no_address && SSL_set_tlsext_host_name(stream->native_handle(), name.c_str()) != 1) {
    return std::unexpected(fmt::format("'{}' is no name for SNI", name));
  }
  const bool verifies = options.verify_mode == VerifyMode::peer;
  stream->set_verify_mode(verifies ? ssl::verify_peer : ssl::verify_none);
  if (verifies && options.check_hostname) {
    stream->set_verify_callback(ssl::host_name_verification(name));
  }
  return TlsStream{std::move(context), std::move(stream)};
}

}  // namespace leveret::client
