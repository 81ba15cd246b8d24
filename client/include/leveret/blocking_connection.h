// SPDX-License-Identifier: Apache-2.0
//
// BlockingConnection: pika's, without its traps. A thread of its own reads, writes and sends
// heartbeats, so that a callback may take an hour; every method may be called from any thread.
//
//   leveret::BlockingConnection connection({.host = "localhost"});
//   auto channel = connection.channel();
//
// Opening throws AMQPConnectionError or one below it: ProbableAuthenticationError (user or
// password), ProbableAccessDeniedError (virtual host), IncompatibleProtocolError, or itself when
// nobody answers. Every method throws what ended the connection once it has ended.
//
// Thread: any. Callbacks: see blocking_channel.h.
// Ownership: the destructor says goodbye to the broker, waits for at most a second, and ends the
// thread. Channels that outlive the connection are closed ones.
//
// Source: pika 1.3, BlockingConnection.

#pragma once

#include "leveret/blocking_channel.h"
#include "leveret/connection_parameters.h"
#include "leveret/exceptions.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

namespace client {
class BlockingCore;
}

class BlockingConnection {
 public:
  /// Numbers a callback of call_later().
  using TimerId = std::uint64_t;

  explicit BlockingConnection(const ConnectionParameters& parameters = {});
  /// Tries each in turn, `connection_attempts` times over, with `retry_delay` of the last in
  /// between; throws what the last try came to. Requires: at least one.
  explicit BlockingConnection(const std::vector<ConnectionParameters>& parameters);
  ~BlockingConnection();
  BlockingConnection(BlockingConnection&&) noexcept;
  BlockingConnection& operator=(BlockingConnection&&) noexcept;

  /// Opens a channel. `channel_number` 0: the lowest that is free. Throws NoFreeChannels.
  BlockingChannel channel(std::uint16_t channel_number = 0);
  /// Closes channels and connection. Throws ConnectionWrongStateError when it is closed already.
  void close(std::uint16_t reply_code = 200, std::string_view reply_text = "Normal shutdown");
  /// Gives the broker a new token or password for this connection. RabbitMQ: oauth2.
  void update_secret(std::string_view new_secret, std::string_view reason);

  /// Runs the callbacks of what has come; when nothing has, waits for at most `time_limit` for
  /// something. Zero: does not wait. Nothing: waits for as long as it takes.
  void process_data_events(
      std::optional<std::chrono::milliseconds> time_limit = std::chrono::milliseconds(0));
  /// Runs callbacks for that long.
  void sleep(std::chrono::milliseconds duration);
  /// `callback` runs after `delay`, among the other callbacks.
  TimerId call_later(std::chrono::milliseconds delay, std::function<void()> callback);
  void remove_timeout(TimerId id);
  /// `callback` runs among the other callbacks, soon.
  void add_callback_threadsafe(std::function<void()> callback);
  /// The broker has no room, and says why; publishes wait until it has. See
  /// `blocked_connection_timeout`.
  void add_on_connection_blocked_callback(std::function<void(const std::string& reason)> callback);
  void add_on_connection_unblocked_callback(std::function<void()> callback);

  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool is_closed() const { return !is_open(); }
  /// What the broker said of itself: product, version, capabilities and more.
  [[nodiscard]] FieldTable server_properties() const;
  [[nodiscard]] bool basic_nack_supported() const { return has_capability("basic.nack"); }
  [[nodiscard]] bool consumer_cancel_notify_supported() const {
    return has_capability("consumer_cancel_notify");
  }
  [[nodiscard]] bool exchange_exchange_bindings_supported() const {
    return has_capability("exchange_exchange_bindings");
  }
  [[nodiscard]] bool publisher_confirms_supported() const {
    return has_capability("publisher_confirms");
  }

 private:
  [[nodiscard]] bool has_capability(std::string_view name) const;

  std::shared_ptr<client::BlockingCore> core_;
};

}  // namespace leveret
