// SPDX-License-Identifier: Apache-2.0
//
// HttpConnection: one HTTP connection. Requests are answered one after the other; while an answer
// is being found nothing more is read, so that a pipelining client waits in the kernel's buffers
// and not in ours.
//
// Thread: worker 0. Owns: the stream. Borrows: the host, which owns it.

#pragma once

#include "message/ids.h"
#include "mgmt/http_message.h"
#include "mgmt/http_parser.h"
#include "net/stream.h"
#include "net/timer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>

namespace leveret {

class WorkerPool;

class HttpConnection final : private StreamHandler {
 public:
  using Id = StrongType<std::uint64_t, struct HttpConnectionIdName>;

  /// Who owns connections and finds answers.
  class Host {
   public:
    virtual ~Host() = default;
    /// A request has come. respond() is to be called once, now or in a later turn.
    virtual void on_request(HttpConnection& connection, HttpRequest request) = 0;
    /// The connection has ended: destroy it.
    virtual void on_ended(Id connection) = 0;
  };

  /// `is_owner`: the peer is the operating system's administrator or runs as the broker does.
  HttpConnection(WorkerPool& pool, Socket socket, Id id, bool is_owner, Host& host);
  /// Begins to read.
  void start() { stream_.start(*this); }

  void respond(const HttpResponse& response);
  /// Answers without having been asked, and closes: there is no room for another connection.
  void turn_away(const HttpResponse& response);

  [[nodiscard]] Id id() const { return id_; }
  [[nodiscard]] bool is_owner() const { return is_owner_; }
  [[nodiscard]] bool is_peer_loopback() const { return stream_.peer().is_loopback(); }
  [[nodiscard]] std::string peer_text() const { return stream_.peer().text(); }

 private:
  std::size_t on_bytes(std::span<const std::byte> bytes) override;
  std::size_t gather(std::span<iovec> pieces) override;
  void on_written(std::size_t bytes) override;
  void on_closed(std::error_code error) override;

  void refuse(const HttpResponse& response);

  const Id id_;
  const bool is_owner_;
  Host& host_;  // Not owned: owns us.
  Stream stream_;
  Timer idle_;
  HttpParser parser_;
  std::string output_;
  std::size_t written_ = 0;  // Bytes of output_ that the kernel has.
  bool is_answering_ = false;
  bool is_keep_alive_ = true;
  bool is_head_ = false;
  bool is_closing_ = false;
};

}  // namespace leveret
