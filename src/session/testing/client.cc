// SPDX-License-Identifier: Apache-2.0
#include "session/testing/client.h"

#include "amqp/content_header.h"

#include <algorithm>
#include <array>

namespace leveret::testing {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Close>
std::string close_text(const Close& close) {
  return fmt::format("{} {} ({}.{})", close.reply_code, close.reply_text, close.class_id,
                     close.method_id);
}

}  // namespace

TestClient::TestClient(TestBroker& broker, unsigned worker, Options options)
    : broker_(broker), worker_(worker), options_(std::move(options)), random_(worker + 1) {
  broker_.add(worker_, *this);
  broker_.as(worker_, [this] {
    connection_ =
        std::make_unique<Connection>(Connection::Deps{.shard = &broker_.shard(worker_),
                                                      .host = this,
                                                      .chunks = &chunks_,
                                                      .random = &random_,
                                                      .options = &options_.session,
                                                      .ends = {.peer_host = "192.0.2.1",
                                                               .peer_port = 40000,
                                                               .host = "192.0.2.2",
                                                               .port = 5672,
                                                               .is_loopback = options_.is_loopback},
                                                      .now = broker_.clock().now(),
                                                      .wall_now = broker_.clock().wall_now()});
  });
}

TestClient::~TestClient() {
  cut();
  broker_.settle();
  LEVERET_ASSERT(!connection_, "the connection never finished");
  broker_.remove(*this);
}

// Speaking.

void TestClient::publish(std::uint16_t channel, const Publication& publication,
                         std::string_view body) {
  send(channel, amqp::BasicPublish{.exchange = publication.exchange,
                                   .routing_key = publication.routing_key,
                                   .mandatory = publication.mandatory});
  const std::size_t part_bytes = options_.frame_max - amqp::frame_overhead_bytes;
  std::vector<std::byte> bytes(amqp::content_header_frame_size(publication.properties));
  amqp::WireWriter header(bytes);
  amqp::write_content_header_frame(header, channel, amqp::basic_class_id, body.size(),
                                   publication.properties);
  send_bytes(bytes);
  for (; !body.empty(); body.remove_prefix(std::min(part_bytes, body.size()))) {
    const auto part = std::as_bytes(std::span(body.substr(0, part_bytes)));
    bytes.resize(amqp::body_frame_size(part));
    amqp::WireWriter writer(bytes);
    amqp::write_body_frame(writer, channel, part);
    send_bytes(bytes);
  }
}

void TestClient::send_start_ok() {
  amqp::FieldTable capabilities;
  capabilities.set("consumer_cancel_notify", options_.can_be_told_of_cancel);
  capabilities.set("connection.blocked", options_.can_be_told_of_blocked);
  capabilities.set("authentication_failure_close", true);
  amqp::FieldTable properties;
  properties.set("capabilities", std::move(capabilities));
  const std::vector<std::byte> encoded = properties.to_raw();
  const std::string response = '\0' + options_.user + '\0' + options_.password;
  send(0, amqp::ConnectionStartOk{.client_properties = amqp::RawTable(encoded),
                                  .mechanism = "PLAIN",
                                  .response = response,
                                  .locale = "en_US"});
}

void TestClient::handshake() {
  send_bytes(amqp::protocol_header);
  broker_.settle();
  take<amqp::ConnectionStart>(0);
  send_start_ok();
  broker_.settle();
  take<amqp::ConnectionTune>(0);
  send(0, amqp::ConnectionTuneOk{.channel_max = options_.channel_max,
                                 .frame_max = options_.frame_max,
                                 .heartbeat = options_.heartbeat_seconds});
  call<amqp::ConnectionOpenOk>(0, amqp::ConnectionOpen{.virtual_host = options_.vhost});
}

// Hearing.

TestClient::Answer* TestClient::find_answer(std::uint16_t channel) const {
  const auto found = std::ranges::find_if(answers_, [channel](const Answer& answer) {
    return answer.channel == channel && !answer.is_taken;
  });
  return found == answers_.end() ? nullptr : &*found;
}

std::string TestClient::take_close(std::uint16_t channel) {
  return channel == 0 ? close_text(take<amqp::ConnectionClose>(0))
                      : close_text(take<amqp::ChannelClose>(channel));
}

void TestClient::hear(std::span<const std::byte> bytes) {
  heard_.insert(heard_.end(), bytes.begin(), bytes.end());
  if (std::ranges::equal(heard_, amqp::protocol_header)) return;  // What a stranger is told.
  amqp::FrameDecoder decoder(heard_, options_.frame_max);
  while (const amqp::Frame* frame = decoder.next()) {
    LEVERET_ASSERT(frame->payload.size() + amqp::frame_overhead_bytes <= options_.frame_max,
                   "a frame of {} bytes of payload, above frame_max", frame->payload.size());
    on_frame(*frame);
  }
  LEVERET_ASSERT(decoder.error() == nullptr, "heard no frame: {}", decoder.error()->text);
  heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(decoder.consumed()));
}

void TestClient::on_frame(const amqp::Frame& frame) {
  const bool is_content_expected = content_kind_ != ContentKind::none;
  if (is_content_expected && frame.channel == 0) return;  // A heartbeat may come at any time.
  LEVERET_ASSERT(!is_content_expected || frame.channel == content_.channel,
                 "content of channel {} is interrupted", content_.channel);
  switch (frame.type) {
    case amqp::FrameType::heartbeat:
      ++heartbeats_;
      return;
    case amqp::FrameType::method:
      LEVERET_ASSERT(!is_content_expected, "a method inside of content");
      on_method(frame.channel, frame.payload);
      return;
    case amqp::FrameType::header: {
      LEVERET_ASSERT(is_content_expected && is_header_next_, "a header without a method");
      const auto header = amqp::ContentHeader::decode(frame.payload);
      LEVERET_ASSERT(header && header->class_id == amqp::basic_class_id);
      LEVERET_ASSERT(amqp::is_well_formed_properties(header->properties));
      content_.properties = text_of(header->properties);
      missing_bytes_ = header->body_size;
      is_header_next_ = false;
      break;
    }
    case amqp::FrameType::body:
      LEVERET_ASSERT(is_content_expected && !is_header_next_ && !frame.payload.empty() &&
                         frame.payload.size() <= missing_bytes_,
                     "a body that nobody announced");
      content_.body += text_of(frame.payload);
      missing_bytes_ -= frame.payload.size();
      break;
  }
  if (missing_bytes_ == 0) on_content_complete();
}

void TestClient::on_method(std::uint16_t channel, std::span<const std::byte> payload) {
  const auto begin_content = [&](ContentKind kind, Content content) {
    content_kind_ = kind;
    is_header_next_ = true;
    content_ = std::move(content);
    content_.channel = channel;
  };
  const auto decoded = [&]<class Method>(Method method) {
    auto result = amqp::decode_method<Method>(payload);
    LEVERET_ASSERT(result.has_value(), "a malformed {}", Method::name);
    method = *result;
    return method;
  };
  switch (amqp::method_key_of(payload)) {
    case amqp::BasicDeliver::key: {
      const auto method = decoded(amqp::BasicDeliver{});
      return begin_content(ContentKind::deliver, {.consumer_tag = std::string(method.consumer_tag),
                                                  .delivery_tag = method.delivery_tag,
                                                  .is_redelivered = method.redelivered,
                                                  .exchange = std::string(method.exchange),
                                                  .routing_key = std::string(method.routing_key)});
    }
    case amqp::BasicGetOk::key: {
      const auto method = decoded(amqp::BasicGetOk{});
      return begin_content(ContentKind::get_ok, {.delivery_tag = method.delivery_tag,
                                                 .is_redelivered = method.redelivered,
                                                 .exchange = std::string(method.exchange),
                                                 .routing_key = std::string(method.routing_key),
                                                 .message_count = method.message_count});
    }
    case amqp::BasicReturn::key: {
      const auto method = decoded(amqp::BasicReturn{});
      return begin_content(ContentKind::returned, {.exchange = std::string(method.exchange),
                                                   .routing_key = std::string(method.routing_key)});
    }
    case amqp::BasicAck::key: {
      const auto method = decoded(amqp::BasicAck{});
      confirmations_.push_back({channel, method.delivery_tag, method.multiple, true});
      return;
    }
    case amqp::BasicNack::key: {
      const auto method = decoded(amqp::BasicNack{});
      confirmations_.push_back({channel, method.delivery_tag, method.multiple, false});
      return;
    }
    default:
      answers_.push_back({channel, {payload.begin(), payload.end()}});
  }
}

void TestClient::on_content_complete() {
  switch (std::exchange(content_kind_, ContentKind::none)) {
    case ContentKind::none:
      break;
    case ContentKind::deliver:
      deliveries_.push_back(std::move(content_));
      break;
    case ContentKind::returned:
      returns_.push_back(std::move(content_));
      break;
    case ContentKind::get_ok:
      got_ = std::move(content_);
      break;
  }
}

// The transport.

void TestClient::close_now() {
  if (!std::exchange(is_transport_open_, false)) return;
  deadline_ = Time::max();
  connection_->on_transport_closed();
}

void TestClient::cut() {
  if (!is_transport_open_) return;
  broker_.as(worker_, [this] { close_now(); });
}

bool TestClient::show_input() {
  if (is_input_paused_) return false;
  if (inbox_.size() == kept_bytes_ && !std::exchange(is_input_shown_again_, false)) return false;
  if (connection_->is_paused()) {
    is_input_paused_ = true;
    return false;
  }
  // The whole inbox is shown again each time, as a buffer in which bytes gather.
  const std::size_t shown_bytes = std::min(inbox_.size(), kept_bytes_ + bytes_per_turn_);
  const std::size_t taken =
      connection_->on_bytes(std::span(inbox_).first(shown_bytes), broker_.clock().now());
  LEVERET_ASSERT(taken <= shown_bytes);
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(taken));
  kept_bytes_ = shown_bytes - taken;
  if (connection_->is_paused()) is_input_paused_ = true;
  return true;
}

bool TestClient::write_output() {
  if (!is_reading_) return false;
  Output& output = connection_->output();
  bool has_written = false;
  while (output.pending_bytes() > 0) {
    std::array<iovec, 4> pieces{};
    const std::size_t count = output.gather(pieces);
    // A socket takes what it likes.
    std::byte chance{};
    random_.fill({&chance, 1});
    std::size_t room = std::size_t{1} << (std::to_integer<unsigned>(chance) % 17);
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < count && room > 0; ++i) {
      const auto* data = static_cast<const std::byte*>(pieces[i].iov_base);
      const std::size_t part = std::min(room, pieces[i].iov_len);
      bytes.insert(bytes.end(), data, data + part);
      room -= part;
    }
    connection_->on_written(bytes.size());
    hear(bytes);
    has_written = true;
  }
  return has_written;
}

bool TestClient::begin_turn() {
  if (!is_transport_open_) return false;
  if (broker_.clock().now() >= deadline_) {
    deadline_ = Time::max();
    connection_->on_timer(broker_.clock().now());
    return true;
  }
  if (is_closing_transport_) return false;
  if (show_input()) return true;
  // The end of what the client said is read like the rest of it: not while the input is paused.
  if (is_hung_up_ && !is_input_paused_) {
    close_now();
    return true;
  }
  return false;
}

bool TestClient::end_turn() {
  bool has_worked = false;
  if (is_transport_open_ && std::exchange(is_turn_wanted_, false)) {
    connection_->end_turn();
    has_worked = true;
  }
  if (is_transport_open_) has_worked |= write_output();
  const bool is_flushed = is_transport_open_ && connection_->output().pending_bytes() == 0;
  if (is_transport_open_ && (is_abandoned_ || (is_closing_transport_ && is_flushed))) {
    close_now();
    has_worked = true;
  }
  if (times_finished_ > 0 && connection_) {
    connection_ = nullptr;
    has_worked = true;
  }
  return has_worked;
}

}  // namespace leveret::testing
