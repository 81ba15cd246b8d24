// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http_connection.h"

#include "base/assert.h"
#include "base/log.h"
#include "mgmt/limits.h"

#include <string_view>
#include <utility>

namespace leveret {

HttpConnection::HttpConnection(WorkerPool& pool, Socket socket, Id id, bool is_owner, Host& host)
    : id_(id),
      is_owner_(is_owner),
      host_(host),
      stream_(pool, std::move(socket)),
      idle_(pool, WorkerId{0}, [this] { stream_.close_now(); }) {
  idle_.arm_after(http_idle_max);
}

std::size_t HttpConnection::on_bytes(std::span<const std::byte> bytes) {
  if (is_answering_ || is_closing_) return 0;
  auto progress = parser_.feed(bytes);
  if (!progress) {
    log(LogLevel::info, "mgmt", "request_refused peer={} status={}", peer_text(),
        progress.error().status);
    refuse(progress.error());
    return bytes.size();
  }
  if (progress->wants_continue) {
    output_ += "HTTP/1.1 100 Continue\r\n\r\n";
    stream_.flush();
  }
  if (progress->request) {
    is_answering_ = true;
    is_keep_alive_ = progress->request->keep_alive;
    is_head_ = progress->request->method == "HEAD";
    idle_.cancel();
    stream_.pause_reading();
    const std::size_t taken = progress->bytes_taken;
    host_.on_request(*this, std::move(*progress->request));
    return taken;
  }
  return progress->bytes_taken;
}

void HttpConnection::respond(const HttpResponse& response) {
  LEVERET_ASSERT(is_answering_, "an answer without a request");
  is_answering_ = false;
  output_ += encode_response(response, is_keep_alive_, is_head_);
  idle_.arm_after(http_idle_max);
  if (!is_keep_alive_) {
    is_closing_ = true;
    stream_.close_after_flush();
    return;
  }
  stream_.flush();
  stream_.resume_reading();
}

void HttpConnection::turn_away(const HttpResponse& response) { refuse(response); }

void HttpConnection::refuse(const HttpResponse& response) {
  is_closing_ = true;
  output_ += encode_response(response, /*keep_alive=*/false, /*is_head=*/false);
  stream_.close_after_flush();
}

std::size_t HttpConnection::gather(std::span<iovec> pieces) {
  if (written_ == output_.size() || pieces.empty()) return 0;
  pieces[0] = {output_.data() + written_, output_.size() - written_};
  return 1;
}

void HttpConnection::on_written(std::size_t bytes) {
  written_ += bytes;
  if (written_ != output_.size()) return;
  written_ = 0;
  // A large answer's memory is not kept for an idle connection.
  std::string().swap(output_);
}

void HttpConnection::on_closed(std::error_code) { host_.on_ended(id_); }

}  // namespace leveret
