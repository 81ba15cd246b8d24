// SPDX-License-Identifier: Apache-2.0
//
// What the library throws, in pika's tree and with pika's names:
//
//   AMQPError                           anything below
//     AMQPConnectionError               the connection: could not be had, or is over
//       ConnectionClosed                ByBroker, ByClient: with a reply code and text
//     AMQPChannelError                  one channel; the connection and its other channels live
//       ChannelClosed                   ByBroker, ByClient: with a reply code and text
//     ProtocolSyntaxError               bytes that make no sense, or cannot be sent
//   ReentrancyError                     a mistake in the program: no AMQPError
//
// A program that mends itself asks is_retryable() and closes_connection() at the end of this file.
// what() begins with the name of the type, as in pika's repr(): ConnectionClosedByBroker: (320)
// 'CONNECTION_FORCED - ...'. It is for people; of a reply text, control characters are escaped in
// it. Wrong arguments, such as parameters out of range, are std::invalid_argument.
//
// Thread: values. Copies share what they hold and never throw.
// Source: pika 1.2, exceptions.py; AMQP 0-9-1 §1.2 (reply codes); RabbitMQ: "AMQP 0-9-1 reference".

#pragma once

#include "leveret/messages.h"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace leveret {

class AMQPError : public std::runtime_error {
 public:
  explicit AMQPError(std::string_view text) : AMQPError(Name{"AMQPError"}, text) {}

 protected:
  /// Of the type that is thrown.
  struct Name {
    std::string_view text;
  };
  AMQPError(Name name, std::string_view text);
};

/// Thrown itself: nobody answered at the address, TLS failed, or all took too long. Try again.
class AMQPConnectionError : public AMQPError {
 public:
  explicit AMQPConnectionError(std::string_view text)
      : AMQPConnectionError(Name{"AMQPConnectionError"}, text) {}

 protected:
  AMQPConnectionError(Name name, std::string_view text) : AMQPError(name, text) {}
};

/// We closed the connection before it was open.
class ConnectionOpenAborted : public AMQPConnectionError {
 public:
  explicit ConnectionOpenAborted(std::string_view text)
      : AMQPConnectionError(Name{"ConnectionOpenAborted"}, text) {}
};

/// The socket ended with no goodbye: broker or network died. What was not confirmed may or may not
/// have arrived; what was not acknowledged will be delivered again. Connect anew.
class StreamLostError : public AMQPConnectionError {
 public:
  explicit StreamLostError(std::string_view text)
      : AMQPConnectionError(Name{"StreamLostError"}, text) {}
};

/// The peer is no AMQP 0-9-1 broker, or hung up when it saw our first bytes, as a proxy with no
/// broker behind it does. Look at the address, the port, and whether it wants TLS.
class IncompatibleProtocolError : public AMQPConnectionError {
 public:
  explicit IncompatibleProtocolError(std::string_view text)
      : AMQPConnectionError(Name{"IncompatibleProtocolError"}, text) {}
};

/// The broker offers no mechanism that our credentials are for.
class AuthenticationError : public AMQPConnectionError {
 public:
  explicit AuthenticationError(std::string_view text)
      : AMQPConnectionError(Name{"AuthenticationError"}, text) {}
};

/// The connection ended while we logged in: most likely, the broker did not like name or password.
class ProbableAuthenticationError : public AMQPConnectionError {
 public:
  explicit ProbableAuthenticationError(std::string_view text)
      : AMQPConnectionError(Name{"ProbableAuthenticationError"}, text) {}
};

/// The connection ended while the virtual host was opened: most likely, there is none of that name,
/// or the user may not enter it.
class ProbableAccessDeniedError : public AMQPConnectionError {
 public:
  explicit ProbableAccessDeniedError(std::string_view text)
      : AMQPConnectionError(Name{"ProbableAccessDeniedError"}, text) {}
};

/// channel() found none: all that were agreed on are in use, or the one asked for is. The
/// connection lives: close a channel, or open another connection.
class NoFreeChannels : public AMQPConnectionError {
 public:
  explicit NoFreeChannels(std::string_view text)
      : AMQPConnectionError(Name{"NoFreeChannels"}, text) {}
};

/// The connection is closed or closing, so that the call could not be made. Connect anew.
class ConnectionWrongStateError : public AMQPConnectionError {
 public:
  explicit ConnectionWrongStateError(std::string_view text)
      : AMQPConnectionError(Name{"ConnectionWrongStateError"}, text) {}
};

class ConnectionClosed : public AMQPConnectionError {
 public:
  ConnectionClosed(std::uint16_t reply_code, std::string_view reply_text)
      : ConnectionClosed(Name{"ConnectionClosed"}, reply_code, reply_text) {}

  [[nodiscard]] std::uint16_t reply_code() const { return reply_code_; }
  /// As it came.
  [[nodiscard]] const std::string& reply_text() const { return *reply_text_; }

 protected:
  ConnectionClosed(Name name, std::uint16_t reply_code, std::string_view reply_text);

 private:
  std::uint16_t reply_code_;
  std::shared_ptr<const std::string> reply_text_;  // Shared: copies must not throw.
};

/// The broker said connection.close. 320: an operator, or it stops: connect anew. 501..505, 540,
/// 541: the broker did not like what it was sent. 530: not allowed, such as one connection too
/// many.
class ConnectionClosedByBroker : public ConnectionClosed {
 public:
  ConnectionClosedByBroker(std::uint16_t reply_code, std::string_view reply_text)
      : ConnectionClosed(Name{"ConnectionClosedByBroker"}, reply_code, reply_text) {}
};

/// We said connection.close; a call that waited then ends with this.
class ConnectionClosedByClient : public ConnectionClosed {
 public:
  ConnectionClosedByClient(std::uint16_t reply_code, std::string_view reply_text)
      : ConnectionClosed(Name{"ConnectionClosedByClient"}, reply_code, reply_text) {}
};

/// We gave up: the broker, out of memory or disk, kept us blocked for blocked_connection_timeout.
/// Try again, later.
class ConnectionBlockedTimeout : public AMQPConnectionError {
 public:
  explicit ConnectionBlockedTimeout(std::string_view text)
      : AMQPConnectionError(Name{"ConnectionBlockedTimeout"}, text) {}
};

/// We gave up: the broker gave no sign of life for longer than was agreed. As StreamLostError.
class AMQPHeartbeatTimeout : public AMQPConnectionError {
 public:
  explicit AMQPHeartbeatTimeout(std::string_view text)
      : AMQPConnectionError(Name{"AMQPHeartbeatTimeout"}, text) {}
};

class AMQPChannelError : public AMQPError {
 public:
  explicit AMQPChannelError(std::string_view text)
      : AMQPChannelError(Name{"AMQPChannelError"}, text) {}

 protected:
  AMQPChannelError(Name name, std::string_view text) : AMQPError(name, text) {}
};

/// The channel is closed or closing, so that the call could not be made. Open another one.
class ChannelWrongStateError : public AMQPChannelError {
 public:
  explicit ChannelWrongStateError(std::string_view text)
      : AMQPChannelError(Name{"ChannelWrongStateError"}, text) {}
};

class ChannelClosed : public AMQPChannelError {
 public:
  ChannelClosed(std::uint16_t reply_code, std::string_view reply_text)
      : ChannelClosed(Name{"ChannelClosed"}, reply_code, reply_text) {}

  [[nodiscard]] std::uint16_t reply_code() const { return reply_code_; }
  /// As it came.
  [[nodiscard]] const std::string& reply_text() const { return *reply_text_; }

 protected:
  ChannelClosed(Name name, std::uint16_t reply_code, std::string_view reply_text);

 private:
  std::uint16_t reply_code_;
  std::shared_ptr<const std::string> reply_text_;  // Shared: copies must not throw.
};

/// The broker refused what was asked and closed the channel; its consumers are gone and what was
/// not acknowledged is back in the queues. Mend the request, open another channel. 403: not
/// permitted. 404: no such queue or exchange. 405: another connection's exclusive queue. 406: not
/// as the queue is, a bad argument, or an unknown delivery tag.
class ChannelClosedByBroker : public ChannelClosed {
 public:
  ChannelClosedByBroker(std::uint16_t reply_code, std::string_view reply_text)
      : ChannelClosed(Name{"ChannelClosedByBroker"}, reply_code, reply_text) {}
};

/// We said channel.close; a call that waited then ends with this.
class ChannelClosedByClient : public ChannelClosed {
 public:
  ChannelClosedByClient(std::uint16_t reply_code, std::string_view reply_text)
      : ChannelClosed(Name{"ChannelClosedByClient"}, reply_code, reply_text) {}
};

/// The channel has a consumer of this tag. Nothing was sent; the channel lives.
class DuplicateConsumerTag : public AMQPChannelError {
 public:
  explicit DuplicateConsumerTag(std::string_view consumer_tag);
};

/// The broker cancelled the consumer: its queue was deleted, or has moved. The channel lives.
class ConsumerCancelled : public AMQPChannelError {
 public:
  explicit ConsumerCancelled(std::string_view consumer_tag);
};

/// Published as mandatory and confirmed, and it reached no queue. The channel lives: see to it that
/// a queue is bound, then publish again.
class UnroutableError : public AMQPChannelError {
 public:
  /// Requires: one at least.
  explicit UnroutableError(std::vector<ReturnedMessage> messages);
  [[nodiscard]] const std::vector<ReturnedMessage>& messages() const { return *messages_; }

 private:
  std::shared_ptr<const std::vector<ReturnedMessage>> messages_;  // Shared: as above.
};

/// The broker did not take what was published: a queue is full (x-overflow: reject-publish) or
/// failed. Another queue may have it all the same. The channel lives: publish again, later.
class NackError : public AMQPChannelError {
 public:
  explicit NackError(std::vector<ReturnedMessage> messages);
  /// Those that also came back as unroutable; most often none.
  [[nodiscard]] const std::vector<ReturnedMessage>& messages() const { return *messages_; }

 private:
  std::shared_ptr<const std::vector<ReturnedMessage>> messages_;  // Shared: as above.
};

/// No channel can have this number. Nothing was sent.
class InvalidChannelNumber : public AMQPError {
 public:
  explicit InvalidChannelNumber(std::string_view text)
      : AMQPError(Name{"InvalidChannelNumber"}, text) {}
};

/// Which of those below it a fault of the peer becomes is a detail: catch this one.
class ProtocolSyntaxError : public AMQPError {
 public:
  explicit ProtocolSyntaxError(std::string_view text)
      : ProtocolSyntaxError(Name{"ProtocolSyntaxError"}, text) {}

 protected:
  ProtocolSyntaxError(Name name, std::string_view text) : AMQPError(name, text) {}
};

/// What the broker sent makes no sense where it came; we closed the connection.
class UnexpectedFrameError : public ProtocolSyntaxError {
 public:
  explicit UnexpectedFrameError(std::string_view text)
      : ProtocolSyntaxError(Name{"UnexpectedFrameError"}, text) {}
};

/// The broker speaks another version; we closed the connection.
class ProtocolVersionMismatch : public ProtocolSyntaxError {
 public:
  explicit ProtocolVersionMismatch(std::string_view text)
      : ProtocolSyntaxError(Name{"ProtocolVersionMismatch"}, text) {}
};

/// More bytes of a message came than were announced; we closed the connection.
class BodyTooLongError : public ProtocolSyntaxError {
 public:
  explicit BodyTooLongError(std::string_view text)
      : ProtocolSyntaxError(Name{"BodyTooLongError"}, text) {}
};

/// A method and its arguments fit in no frame of the size agreed on. Nothing was sent; the
/// connection lives. In pika, a frame that came is meant: here that is an UnexpectedFrameError.
class InvalidFrameError : public ProtocolSyntaxError {
 public:
  explicit InvalidFrameError(std::string_view text)
      : ProtocolSyntaxError(Name{"InvalidFrameError"}, text) {}
};

/// A table holds a value whose type is unknown; the connection lives.
class InvalidFieldTypeException : public ProtocolSyntaxError {
 public:
  explicit InvalidFieldTypeException(std::string_view text)
      : ProtocolSyntaxError(Name{"InvalidFieldTypeException"}, text) {}
};

/// A table holds a value that cannot be sent. Nothing was sent; the connection lives.
class UnsupportedAMQPFieldException : public ProtocolSyntaxError {
 public:
  explicit UnsupportedAMQPFieldException(std::string_view text)
      : ProtocolSyntaxError(Name{"UnsupportedAMQPFieldException"}, text) {}
};

/// The broker has said that it lacks what was asked for. Nothing was sent.
class MethodNotImplemented : public AMQPError {
 public:
  explicit MethodNotImplemented(std::string_view text)
      : AMQPError(Name{"MethodNotImplemented"}, text) {}
};

/// A name or a property is longer than AMQP's 255 bytes, or a table cannot be sent. Nothing was
/// sent.
class ShortStringTooLong : public AMQPError {
 public:
  explicit ShortStringTooLong(std::string_view text)
      : AMQPError(Name{"ShortStringTooLong"}, text) {}
};

/// A callback called what itself runs callbacks. Return from it first.
class ReentrancyError : public std::logic_error {
 public:
  explicit ReentrancyError(std::string_view text);
};

/// Whether the same may succeed later, with nothing changed but the time and, if it was the
/// connection that ended, a new one: AMQPConnectionError itself, StreamLostError,
/// AMQPHeartbeatTimeout, ConnectionBlockedTimeout, ConnectionClosedByBroker with 320, NackError,
/// and ChannelClosedByBroker with 405, which is also what a client meets whose own dead connection
/// the broker has not noticed yet. Of the others we know no reason why they should: what is only
/// probable counts as certain, though a broker that stops while we log in looks the same.
/// A publish that is tried again may arrive twice.
[[nodiscard]] bool is_retryable(const AMQPError& error);

/// Whether the connection is over: true of an AMQPConnectionError but NoFreeChannels, and of what
/// the peer did wrong (UnexpectedFrameError, ProtocolVersionMismatch, BodyTooLongError).
[[nodiscard]] bool closes_connection(const AMQPError& error);

}  // namespace leveret
