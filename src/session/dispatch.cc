// SPDX-License-Identifier: Apache-2.0
#include "session/dispatch.h"

#include "amqp/method_decoder.h"
#include "amqp/methods.gen.h"
#include "base/utf8.h"
#include "session/channel.h"
#include "session/connection.h"

#include <string_view>

#include <fmt/format.h>

namespace leveret {
namespace {

using amqp::AmqpResult;
using amqp::MethodKey;
using amqp::ReplyCode;

/// RabbitMQ takes names and binding keys that are UTF-8, and the routing key of a publish as it is.
template <class Method>
bool has_valid_names(const Method& method) {
  bool is_valid = true;
  if constexpr (requires { method.exchange; }) is_valid &= is_utf8(method.exchange);
  if constexpr (requires { method.queue; }) is_valid &= is_utf8(method.queue);
  if constexpr (requires { method.consumer_tag; }) is_valid &= is_utf8(method.consumer_tag);
  if constexpr (requires { method.source; }) is_valid &= is_utf8(method.source);
  if constexpr (requires { method.destination; }) is_valid &= is_utf8(method.destination);
  if constexpr (!Method::has_content && requires { method.routing_key; }) {
    is_valid &= is_utf8(method.routing_key);
  }
  return is_valid;
}

/// Decodes the arguments of `Method` and hands them to `act`; a refusal gets the method's name.
template <class Method, class Act>
AmqpResult<void> with(std::span<const std::byte> payload, Act act) {
  const AmqpResult<Method> method = amqp::decode_method<Method>(payload);
  if (!method) [[unlikely]]
    return std::unexpected(method.error());
  if constexpr (requires { method->arguments; }) {
    if (!method->arguments.is_well_formed()) [[unlikely]]
      return std::unexpected(amqp::cannot_decode(Method::key, payload.subspan(sizeof(MethodKey))));
  }
  if (!has_valid_names(*method)) [[unlikely]]
    return amqp::refuse(ReplyCode::frame_error, "Malformed UTF-8 in shortstr");
  AmqpResult<void> outcome = act(*method);
  if (!outcome && outcome.error().method == 0 &&
      outcome.error().code != ReplyCode::internal_error &&
      outcome.error().code != ReplyCode::frame_error) {
    outcome.error().method = Method::key;
  }
  return outcome;
}

AmqpResult<void> refuse_unexpected(std::string_view state, MethodKey key) {
  return amqp::refuse(ReplyCode::channel_error,
                      fmt::format("unexpected method in connection state {}", state), key);
}

}  // namespace

AmqpResult<void> Dispatch::on_connection(Connection& connection,
                                         std::span<const std::byte> payload) {
  using Phase = Connection::Phase;
  const MethodKey key = amqp::method_key_of(payload);
  const Phase phase = connection.phase_;

  switch (key) {
    case amqp::ConnectionStartOk::key:
      if (phase != Phase::start) break;
      return with<amqp::ConnectionStartOk>(
          payload, [&](const auto& method) { return connection.on_start_ok(method); });
    case amqp::ConnectionTuneOk::key:
      if (phase != Phase::tune) break;
      return with<amqp::ConnectionTuneOk>(
          payload, [&](const auto& method) { return connection.on_tune_ok(method); });
    case amqp::ConnectionOpen::key:
      if (phase != Phase::open) break;
      return with<amqp::ConnectionOpen>(
          payload, [&](const auto& method) { return connection.on_open(method); });
    case amqp::ConnectionUpdateSecret::key:
      if (phase != Phase::running) break;
      return with<amqp::ConnectionUpdateSecret>(
          payload, [&](const auto& method) { return connection.on_update_secret(method); });
    case amqp::ConnectionClose::key:
      if (phase != Phase::running && phase != Phase::closing) break;
      return with<amqp::ConnectionClose>(
          payload, [&](const auto& method) { return connection.on_close(method); });
    case amqp::ConnectionCloseOk::key:
      if (phase != Phase::closing) break;
      return connection.on_close_ok();
    default:
      break;
  }
  if (phase == Phase::closing) return {};  // Said before it heard of our close.
  return refuse_unexpected(phase == Phase::running ? "running" : "opening", key);
}

AmqpResult<void> Dispatch::on_channel(Connection& connection, Channel& channel,
                                      std::span<const std::byte> payload) {
  const MethodKey key = amqp::method_key_of(payload);

  switch (key) {
    // The data path first.
    case amqp::BasicPublish::key:
      return with<amqp::BasicPublish>(
          payload, [&](const auto& method) { return channel.on_basic_publish(method); });
    case amqp::BasicAck::key:
      return with<amqp::BasicAck>(payload,
                                  [&](const auto& method) { return channel.on_basic_ack(method); });
    case amqp::BasicNack::key:
      return with<amqp::BasicNack>(
          payload, [&](const auto& method) { return channel.on_basic_nack(method); });
    case amqp::BasicReject::key:
      return with<amqp::BasicReject>(
          payload, [&](const auto& method) { return channel.on_basic_reject(method); });
    case amqp::BasicGet::key:
      return with<amqp::BasicGet>(payload,
                                  [&](const auto& method) { return channel.on_basic_get(method); });

    case amqp::BasicQos::key:
      return with<amqp::BasicQos>(payload,
                                  [&](const auto& method) { return channel.on_basic_qos(method); });
    case amqp::BasicConsume::key:
      return with<amqp::BasicConsume>(
          payload, [&](const auto& method) { return channel.on_basic_consume(method); });
    case amqp::BasicCancel::key:
      return with<amqp::BasicCancel>(
          payload, [&](const auto& method) { return channel.on_basic_cancel(method); });
    case amqp::BasicRecover::key:
      return with<amqp::BasicRecover>(payload, [&](const auto& method) {
        return channel.on_basic_recover(method.requeue, /*is_answered=*/true);
      });
    case amqp::BasicRecoverAsync::key:
      return with<amqp::BasicRecoverAsync>(payload, [&](const auto& method) {
        return channel.on_basic_recover(method.requeue, /*is_answered=*/false);
      });

    case amqp::ExchangeDeclare::key:
      return with<amqp::ExchangeDeclare>(
          payload, [&](const auto& method) { return channel.on_exchange_declare(method); });
    case amqp::ExchangeDelete::key:
      return with<amqp::ExchangeDelete>(
          payload, [&](const auto& method) { return channel.on_exchange_delete(method); });
    case amqp::ExchangeBind::key:
      return with<amqp::ExchangeBind>(
          payload, [&](const auto& method) { return channel.on_exchange_bind(method); });
    case amqp::ExchangeUnbind::key:
      return with<amqp::ExchangeUnbind>(
          payload, [&](const auto& method) { return channel.on_exchange_unbind(method); });

    case amqp::QueueDeclare::key:
      return with<amqp::QueueDeclare>(
          payload, [&](const auto& method) { return channel.on_queue_declare(method); });
    case amqp::QueueDelete::key:
      return with<amqp::QueueDelete>(
          payload, [&](const auto& method) { return channel.on_queue_delete(method); });
    case amqp::QueuePurge::key:
      return with<amqp::QueuePurge>(
          payload, [&](const auto& method) { return channel.on_queue_purge(method); });
    case amqp::QueueBind::key:
      return with<amqp::QueueBind>(
          payload, [&](const auto& method) { return channel.on_queue_bind(method); });
    case amqp::QueueUnbind::key:
      return with<amqp::QueueUnbind>(
          payload, [&](const auto& method) { return channel.on_queue_unbind(method); });

    case amqp::ConfirmSelect::key:
      return with<amqp::ConfirmSelect>(
          payload, [&](const auto& method) { return channel.on_confirm_select(method); });
    case amqp::TxSelect::key:
      return with<amqp::TxSelect>(payload, [&](const auto&) { return channel.on_tx_select(); });
    case amqp::TxCommit::key:
      return with<amqp::TxCommit>(payload, [&](const auto&) { return channel.on_tx_commit(); });
    case amqp::TxRollback::key:
      return with<amqp::TxRollback>(payload, [&](const auto&) { return channel.on_tx_rollback(); });

    case amqp::ChannelFlow::key:
      return with<amqp::ChannelFlow>(
          payload, [&](const auto& method) { return channel.on_channel_flow(method); });
    case amqp::ChannelClose::key:
      return with<amqp::ChannelClose>(
          payload, [&](const auto&) { return connection.on_channel_close(channel.number()); });
    case amqp::ChannelOpen::key:
      return amqp::refuse(ReplyCode::channel_error, "second 'channel.open' seen", key);

    case amqp::AccessRequest::key:
      // RabbitMQ gives everybody ticket 1, which no method looks at.
      return with<amqp::AccessRequest>(payload, [&](const auto&) {
        connection.send(channel.number(), amqp::AccessRequestOk{.ticket = 1});
        return AmqpResult<void>{};
      });

    default:
      return amqp::refuse(ReplyCode::command_invalid, "unimplemented method", key);
  }
}

}  // namespace leveret
