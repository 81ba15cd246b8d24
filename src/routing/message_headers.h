// SPDX-License-Identifier: Apache-2.0
//
// MessageHeaders: a message's headers, sorted by key, for merging with a binding's criteria. They
// are decoded when the first headers exchange asks; most messages meet none.
//
// Thread: the table's. Borrows: the encoded headers, from reset() to the next reset(). Its memory
// is used again by the next message.

#pragma once

#include "amqp/raw_table.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

struct Header {
  std::string_view key;
  amqp::FieldValueView value;
};

class MessageHeaders {
 public:
  void reset(amqp::RawTable encoded) {
    encoded_ = encoded;
    is_sorted_ = false;
  }

  [[nodiscard]] amqp::RawTable encoded() const { return encoded_; }
  /// By key, those with the same key as they came. What is malformed, and what follows it, is left
  /// out; channels refuse such messages before they are routed.
  [[nodiscard]] std::span<const Header> sorted();

 private:
  amqp::RawTable encoded_;
  bool is_sorted_ = false;
  std::vector<Header> headers_;
};

/// A binding's arguments as they are compared, kept and matched: sorted by key, each value in one
/// of its encodings. {b: 1, a: 2} and {a: 2, b: 1} are the same binding, as in RabbitMQ.
/// Malformed arguments, which channels refuse, are kept as they came.
[[nodiscard]] std::string canonical_arguments(amqp::RawTable arguments);

}  // namespace leveret
