// SPDX-License-Identifier: Apache-2.0
//
// TlsStream: TLS over a socket, as SSLOptions have it.
//
// Thread: the I/O thread. Borrows: the socket.

#pragma once

#include "leveret/ssl_options.h"

#include <expected>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace leveret::client {

struct TlsStream {
  std::unique_ptr<boost::asio::ssl::context> context;
  std::unique_ptr<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> stream;
};

/// `host` is what was connected to: the name that the certificate must have and that SNI says,
/// unless the options name another.
/// Errors: a file that cannot be read, ciphers that do not exist; in words.
[[nodiscard]] std::expected<TlsStream, std::string> make_tls(const SSLOptions& options,
                                                             const std::string& host,
                                                             boost::asio::ip::tcp::socket& socket);

}  // namespace leveret::client
