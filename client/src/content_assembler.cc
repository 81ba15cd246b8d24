// SPDX-License-Identifier: Apache-2.0
#include "client/src/content_assembler.h"

#include "amqp/basic_properties.h"
#include "amqp/content_header.h"
#include "amqp/methods.gen.h"

namespace leveret::client {

void ContentAssembler::begin(std::span<const std::byte> method) {
  method_.assign(method.begin(), method.end());
  whole_body_ = {};
  body_.clear();
  stage_ = Stage::header;
}

std::string_view ContentAssembler::on_header(std::span<const std::byte> payload) {
  if (stage_ != Stage::header) return "content header without a method before it";
  const auto header = amqp::ContentHeader::decode(payload);
  if (!header || header->class_id != amqp::basic_class_id) return "malformed content header";
  if (!amqp::is_well_formed_properties(header->properties)) return "malformed properties";
  properties_.assign(header->properties.begin(), header->properties.end());
  missing_bytes_ = header->body_size;
  stage_ = Stage::body;
  return {};
}

std::string_view ContentAssembler::on_body(std::span<const std::byte> payload) {
  if (stage_ != Stage::body) return "content body without a header before it";
  if (payload.size() > missing_bytes_) return "content body longer than announced";
  const bool is_whole = body_.empty() && payload.size() == missing_bytes_;
  missing_bytes_ -= payload.size();
  if (is_whole) {
    whole_body_ = payload;
  } else {
    body_.insert(body_.end(), payload.begin(), payload.end());
    whole_body_ = body_;
  }
  return {};
}

Content ContentAssembler::take() {
  stage_ = Stage::idle;
  return {.method = method_, .properties = properties_, .body = whole_body_};
}

}  // namespace leveret::client
