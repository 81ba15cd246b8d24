// SPDX-License-Identifier: Apache-2.0
//
// A connection while an alarm is on.
//
// Who has published, or publishes now, is blocked: he is told so, and what he publishes is held.
// Everything else is read as ever, so that his consumers go on and free what the node is short of
// (RabbitMQ reads nothing from him, not even acks). Reading stops when no more can be held, or at a
// method that must not overtake what is held before it on its channel; it goes on when the last
// alarm is over, after what was held.
#include "amqp/content_header.h"
#include "amqp/frame_decoder.h"
#include "amqp/method_decoder.h"
#include "base/log.h"
#include "session/connection.h"

#include <utility>

namespace leveret {

using amqp::Frame;
using amqp::FrameType;
using amqp::MethodKey;

namespace {

/// May come before publishes that its channel sent earlier: it is about deliveries.
bool may_overtake_publishes(MethodKey key) {
  return key == amqp::BasicAck::key || key == amqp::BasicNack::key ||
         key == amqp::BasicReject::key || key == amqp::BasicCancel::key;
}

}  // namespace

void Connection::on_alarms_changed() {
  is_alarmed_ = !shard_.alarms().is_empty();
  if (!is_alarmed_) {
    unblock();
  } else if (has_published_) {
    block();
  }
}

void Connection::block() {
  if (phase_ != Phase::running || std::exchange(is_blocked_, true)) return;
  if (!can_be_told_of_blocked_) return;
  const std::string reason = shard_.alarms().reason();
  send(0, amqp::ConnectionBlocked{.reason = reason});
}

void Connection::unblock() {
  if (!std::exchange(is_blocked_, false)) return;
  if (can_be_told_of_blocked_ && phase_ == Phase::running) send(0, amqp::ConnectionUnblocked{});
  for (HeldPublishes::Entry& entry : take_held()) {
    // A connection that fails in between drops the rest, as it would have had it come later.
    const std::uint16_t number = entry.channel;
    Channel* channel = phase_ == Phase::running ? find_channel(number) : nullptr;
    if (channel == nullptr || channel->is_closing()) continue;
    conclude(number, channel->let_through(std::move(entry)));
  }
  go_on_reading(alarmed);
}

void Connection::hold(Channel& channel, HeldPublishes::Entry entry) {
  // The publish may have begun before the alarm did.
  block();
  if (entry.message) shard_.note_publish_held(entry.message->block_bytes());
  entry.channel = channel.number();
  channel.set_holding(true);
  if (!held_) held_ = std::make_unique<HeldPublishes>();
  held_->add(std::move(entry));
  if (!has_room_to_hold(0)) stop_reading(alarmed);
}

bool Connection::has_room_to_hold(std::uint64_t body_bytes) const {
  static const HeldPublishes none;
  return (held_ ? *held_ : none).has_room_for(body_bytes) &&
         shard_.held_publish_bytes() < HeldPublishes::worker_bytes_max;
}

std::vector<HeldPublishes::Entry> Connection::take_held() {
  if (!held_) return {};
  shard_.note_publishes_let_go(held_->bytes());
  for (const auto& channel : channels_) {
    if (channel) channel->set_holding(false);
  }
  return std::exchange(held_, nullptr)->take();
}

void Connection::drop_held() {
  std::uint64_t count = 0;
  for (const HeldPublishes::Entry& entry : take_held()) count += entry.message ? 1 : 0;
  if (count > 0) {
    shard_.note_held_publishes_dropped(count);
    log(LogLevel::warn, "session", "held_publishes_dropped name=\"{}\" count={}", name_, count);
  }
  go_on_reading(alarmed);
}

void Connection::take_frames_while_alarmed(amqp::FrameDecoder& decoder) {
  const std::uint32_t frame_max = frame_max_;
  const Frame* frame = nullptr;
  while (phase_ != Phase::ended && !is_paused() && frame_max == frame_max_ &&
         (frame = decoder.next()) != nullptr) {
    if (!may_take(*frame)) {
      decoder.put_back();
      stop_reading(alarmed);
      return;
    }
    on_frame(*frame);
  }
}

bool Connection::may_take(const Frame& frame) {
  if (phase_ != Phase::running) return true;
  const bool is_method = frame.type == FrameType::method;
  const MethodKey key = is_method ? amqp::method_key_of(frame.payload) : MethodKey{};
  if (frame.channel == 0) {
    // Who closes believes that what he has published is with us.
    return key != amqp::ConnectionClose::key || held_ == nullptr;
  }
  const Channel* channel = find_channel(frame.channel);
  if (channel == nullptr || channel->is_closing()) return true;
  if (channel->is_assembling()) {
    const auto header =
        frame.type == FrameType::header ? amqp::ContentHeader::decode(frame.payload) : std::nullopt;
    return !header || channel->is_dropping() || has_room_to_hold(header->body_size);
  }
  if (!is_method) return true;
  if (key == amqp::BasicPublish::key) {
    block();
    return true;
  }
  return !channel->is_holding() || may_overtake_publishes(key);
}

}  // namespace leveret
