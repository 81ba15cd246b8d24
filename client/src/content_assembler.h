// SPDX-License-Identifier: Apache-2.0
//
// ContentAssembler: a method that carries content, its header and its bodies become one Content.
//
// A body that comes in one frame, as most do, is not copied. Memory follows what has come, not what
// the header announced.
//
// Spec: AMQP 0-9-1 §4.2.6: content frames on one channel are strictly sequential.
// Thread: whoever has the session.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace leveret::client {

/// basic.deliver, basic.return or basic.get-ok with all that belongs to it. Views: good until the
/// call that was given it returns.
struct Content {
  std::span<const std::byte> method;      ///< The method frame's payload.
  std::span<const std::byte> properties;  ///< Flags and list.
  std::span<const std::byte> body;
};

class ContentAssembler {
 public:
  [[nodiscard]] bool is_busy() const { return stage_ != Stage::idle; }

  /// Requires: not busy.
  void begin(std::span<const std::byte> method);
  /// Both return what is wrong with the frame; empty: nothing. `payload` must stand until
  /// is_complete() was asked and take() was called, if it says so.
  [[nodiscard]] std::string_view on_header(std::span<const std::byte> payload);
  [[nodiscard]] std::string_view on_body(std::span<const std::byte> payload);

  [[nodiscard]] bool is_complete() const { return stage_ == Stage::body && missing_bytes_ == 0; }
  /// Requires: is_complete(). Good until the next begin(), and as long as the last payload stands.
  [[nodiscard]] Content take();

 private:
  enum class Stage : std::uint8_t { idle, header, body };

  Stage stage_ = Stage::idle;
  std::uint64_t missing_bytes_ = 0;
  std::vector<std::byte> method_;
  std::vector<std::byte> properties_;
  std::vector<std::byte> body_;  // When it comes in several frames.
  std::span<const std::byte> whole_body_;
};

}  // namespace leveret::client
