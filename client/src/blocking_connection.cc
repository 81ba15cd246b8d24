// SPDX-License-Identifier: Apache-2.0
#include "leveret/blocking_connection.h"

#include "client/src/blocking_core.h"
#include "client/src/channel_state.h"
#include "client/src/pause.h"
#include "client/src/raise.h"
#include "client/src/tables.h"

#include <stdexcept>
#include <utility>

namespace leveret {

using client::BlockingCore;
using client::ChannelState;
using client::Link;

namespace {

Time now() { return SystemClock().now(); }

std::shared_ptr<BlockingCore> open(const ConnectionParameters& parameters) {
  parameters.validate();
  auto core = std::make_shared<BlockingCore>(parameters);
  core->link.open();
  const Link::Lock lock = core->link.lock();
  core->check_open();
  return core;
}

}  // namespace

BlockingConnection::BlockingConnection(const ConnectionParameters& parameters)
    : BlockingConnection(std::vector<ConnectionParameters>{parameters}) {}

BlockingConnection::BlockingConnection(const std::vector<ConnectionParameters>& parameters) {
  if (parameters.empty()) throw std::invalid_argument("no connection parameters were given");
  for (unsigned attempt = 1;; ++attempt) {
    for (const ConnectionParameters& one : parameters) {
      const bool is_last = &one == &parameters.back() && attempt >= one.connection_attempts;
      try {
        core_ = open(one);
        return;
      } catch (const AMQPConnectionError&) {
        if (is_last) throw;
      }
    }
    client::pause(parameters.back().retry_delay);
  }
}

BlockingConnection::BlockingConnection(BlockingConnection&&) noexcept = default;

BlockingConnection& BlockingConnection::operator=(BlockingConnection&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}

BlockingConnection::~BlockingConnection() {
  if (!core_) return;
  constexpr auto patience = std::chrono::seconds(1);
  Link::Lock lock = core_->link.lock();
  client::Session& session = core_->link.session();
  session.close(200, "Normal shutdown");
  core_->link.flush();
  core_->link.wait(lock, now() + patience, [&] { return session.is_over(); });
  if (!session.is_over()) session.on_stream_lost("the broker did not say goodbye");
  const auto dropped = core_->take_all();  // They hold channels, and those the core.
  lock.unlock();
}

void BlockingConnection::close(std::uint16_t reply_code, std::string_view reply_text) {
  Link::Lock lock = core_->link.lock();
  client::Session& session = core_->link.session();
  if (!session.is_open()) {
    throw ConnectionWrongStateError("close() of a connection that is closed already");
  }
  session.close(reply_code, reply_text);
  core_->link.flush();
  core_->link.wait(lock, now() + core_->close_timeout, [&] { return session.is_over(); });
  if (!session.is_over()) session.on_stream_lost("the broker did not say goodbye");
}

BlockingChannel BlockingConnection::channel(std::uint16_t channel_number) {
  auto state = std::make_shared<ChannelState>(core_);
  Link::Lock lock = core_->link.lock();
  core_->check_open();
  core_->call(lock, [&](client::AnswerHandler handler) {
    const auto channel =
        core_->link.session().open_channel(channel_number, *state, std::move(handler));
    if (!channel) client::raise(channel.error());
    state->set_channel(**channel);
    core_->channels[state->number()] = state;
  });
  return BlockingChannel(std::move(state));
}

void BlockingConnection::update_secret(std::string_view new_secret, std::string_view reason) {
  if (reason.size() > 255) throw ShortStringTooLong("reason");
  Link::Lock lock = core_->link.lock();
  core_->call(lock, [&](client::AnswerHandler handler) {
    core_->link.session().update_secret(new_secret, reason, std::move(handler));
  });
}

void BlockingConnection::process_data_events(std::optional<std::chrono::milliseconds> time_limit) {
  Link::Lock lock = core_->link.lock();
  core_->check_may_dispatch("process_data_events()");
  core_->dispatch(lock, time_limit ? std::optional(now() + *time_limit) : std::nullopt);
}

void BlockingConnection::sleep(std::chrono::milliseconds duration) {
  const Time deadline = now() + duration;
  Link::Lock lock = core_->link.lock();
  core_->check_may_dispatch("sleep()");
  do core_->dispatch(lock, deadline);
  while (now() < deadline);
}

BlockingConnection::TimerId BlockingConnection::call_later(std::chrono::milliseconds delay,
                                                           std::function<void()> callback) {
  const Link::Lock lock = core_->link.lock();
  const TimerId id = core_->next_timer++;
  core_->timers[id] = {now() + delay, std::move(callback)};
  core_->link.notify();
  return id;
}

void BlockingConnection::remove_timeout(TimerId id) {
  const Link::Lock lock = core_->link.lock();
  core_->timers.erase(id);
}

void BlockingConnection::add_callback_threadsafe(std::function<void()> callback) {
  const Link::Lock lock = core_->link.lock();
  core_->check_open();
  core_->add_action(std::move(callback));
  core_->link.notify();
}

void BlockingConnection::add_on_connection_blocked_callback(
    std::function<void(const std::string&)> callback) {
  const Link::Lock lock = core_->link.lock();
  core_->on_blocked_callback = std::move(callback);
}

void BlockingConnection::add_on_connection_unblocked_callback(std::function<void()> callback) {
  const Link::Lock lock = core_->link.lock();
  core_->on_unblocked_callback = std::move(callback);
}

bool BlockingConnection::is_open() const {
  const Link::Lock lock = core_->link.lock();
  return core_->link.session().is_open();
}

FieldTable BlockingConnection::server_properties() const {
  const Link::Lock lock = core_->link.lock();
  return client::decode_table(amqp::RawTable(core_->link.session().server_properties()))
      .value_or(FieldTable());
}

bool BlockingConnection::has_capability(std::string_view name) const {
  const FieldTable properties = server_properties();
  const FieldValue* capabilities = properties.find("capabilities");
  const FieldTable* table = capabilities != nullptr ? capabilities->as_table() : nullptr;
  const FieldValue* value = table != nullptr ? table->find(name) : nullptr;
  return value != nullptr && value->as_bool().value_or(false);
}

}  // namespace leveret
