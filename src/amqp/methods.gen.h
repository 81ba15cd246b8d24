// SPDX-License-Identifier: Apache-2.0
//
// Every method of AMQP 0-9-1 and of RabbitMQ's additions, as a struct: the fields by their names in
// the spec and in its order, reserved ones left out (skipped when decoding, zero when encoding).
// Written by tools/generate_amqp.py from the 0-9-1-rabbit XML of amqp-specs and
// spec/supplement.xml; change those, then run it.
//
// decode() reads the arguments that follow class and method id. True: all were there and nothing
// was left over. Strings and tables are views into what the reader was given; tables are not looked
// into (see RawTable::is_well_formed()). encode() writes encoded_size() bytes.
//
// Requires: short strings of at most 255 bytes where encode() is called.
// Thread: values.

#pragma once

#include "amqp/method_key.h"
#include "amqp/raw_table.h"
#include "amqp/wire_reader.h"
#include "amqp/wire_writer.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leveret::amqp {

inline constexpr std::uint16_t connection_class_id = 10;
inline constexpr std::uint16_t channel_class_id = 20;
inline constexpr std::uint16_t access_class_id = 30;
inline constexpr std::uint16_t exchange_class_id = 40;
inline constexpr std::uint16_t queue_class_id = 50;
inline constexpr std::uint16_t basic_class_id = 60;
inline constexpr std::uint16_t confirm_class_id = 85;
inline constexpr std::uint16_t tx_class_id = 90;

struct ConnectionStart {
  static constexpr MethodKey key = method_key(10, 10);
  static constexpr std::string_view name = "connection.start";
  static constexpr bool has_content = false;

  std::uint8_t version_major = 0;
  std::uint8_t version_minor = 0;
  RawTable server_properties{};
  std::string_view mechanisms{};
  std::string_view locales{};

  [[nodiscard]] bool decode(WireReader& reader) {
    version_major = reader.u8();
    version_minor = reader.u8();
    server_properties = reader.raw_table();
    mechanisms = reader.long_string();
    locales = reader.long_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(version_major);
    writer.u8(version_minor);
    writer.raw_table(server_properties);
    writer.long_string(mechanisms);
    writer.long_string(locales);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 14 + server_properties.size() + mechanisms.size() + locales.size();
  }
  friend bool operator==(const ConnectionStart&, const ConnectionStart&) = default;
};

struct ConnectionStartOk {
  static constexpr MethodKey key = method_key(10, 11);
  static constexpr std::string_view name = "connection.start-ok";
  static constexpr bool has_content = false;

  RawTable client_properties{};
  std::string_view mechanism{};
  std::string_view response{};
  std::string_view locale{};

  [[nodiscard]] bool decode(WireReader& reader) {
    client_properties = reader.raw_table();
    mechanism = reader.short_string();
    response = reader.long_string();
    locale = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.raw_table(client_properties);
    writer.short_string(mechanism);
    writer.long_string(response);
    writer.short_string(locale);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 10 + client_properties.size() + mechanism.size() + response.size() + locale.size();
  }
  friend bool operator==(const ConnectionStartOk&, const ConnectionStartOk&) = default;
};

struct ConnectionSecure {
  static constexpr MethodKey key = method_key(10, 20);
  static constexpr std::string_view name = "connection.secure";
  static constexpr bool has_content = false;

  std::string_view challenge{};

  [[nodiscard]] bool decode(WireReader& reader) {
    challenge = reader.long_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.long_string(challenge);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + challenge.size();
  }
  friend bool operator==(const ConnectionSecure&, const ConnectionSecure&) = default;
};

struct ConnectionSecureOk {
  static constexpr MethodKey key = method_key(10, 21);
  static constexpr std::string_view name = "connection.secure-ok";
  static constexpr bool has_content = false;

  std::string_view response{};

  [[nodiscard]] bool decode(WireReader& reader) {
    response = reader.long_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.long_string(response);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + response.size();
  }
  friend bool operator==(const ConnectionSecureOk&, const ConnectionSecureOk&) = default;
};

struct ConnectionTune {
  static constexpr MethodKey key = method_key(10, 30);
  static constexpr std::string_view name = "connection.tune";
  static constexpr bool has_content = false;

  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    channel_max = reader.u16();
    frame_max = reader.u32();
    heartbeat = reader.u16();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(channel_max);
    writer.u32(frame_max);
    writer.u16(heartbeat);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 8;
  }
  friend bool operator==(const ConnectionTune&, const ConnectionTune&) = default;
};

struct ConnectionTuneOk {
  static constexpr MethodKey key = method_key(10, 31);
  static constexpr std::string_view name = "connection.tune-ok";
  static constexpr bool has_content = false;

  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    channel_max = reader.u16();
    frame_max = reader.u32();
    heartbeat = reader.u16();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(channel_max);
    writer.u32(frame_max);
    writer.u16(heartbeat);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 8;
  }
  friend bool operator==(const ConnectionTuneOk&, const ConnectionTuneOk&) = default;
};

struct ConnectionOpen {
  static constexpr MethodKey key = method_key(10, 40);
  static constexpr std::string_view name = "connection.open";
  static constexpr bool has_content = false;

  std::string_view virtual_host{};

  [[nodiscard]] bool decode(WireReader& reader) {
    virtual_host = reader.short_string();
    reader.short_string();
    reader.u8();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(virtual_host);
    writer.short_string({});
    writer.u8(0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 3 + virtual_host.size();
  }
  friend bool operator==(const ConnectionOpen&, const ConnectionOpen&) = default;
};

struct ConnectionOpenOk {
  static constexpr MethodKey key = method_key(10, 41);
  static constexpr std::string_view name = "connection.open-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string({});
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const ConnectionOpenOk&, const ConnectionOpenOk&) = default;
};

struct ConnectionClose {
  static constexpr MethodKey key = method_key(10, 50);
  static constexpr std::string_view name = "connection.close";
  static constexpr bool has_content = false;

  std::uint16_t reply_code = 0;
  std::string_view reply_text{};
  std::uint16_t class_id = 0;
  std::uint16_t method_id = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    reply_code = reader.u16();
    reply_text = reader.short_string();
    class_id = reader.u16();
    method_id = reader.u16();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(reply_code);
    writer.short_string(reply_text);
    writer.u16(class_id);
    writer.u16(method_id);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 7 + reply_text.size();
  }
  friend bool operator==(const ConnectionClose&, const ConnectionClose&) = default;
};

struct ConnectionCloseOk {
  static constexpr MethodKey key = method_key(10, 51);
  static constexpr std::string_view name = "connection.close-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ConnectionCloseOk&, const ConnectionCloseOk&) = default;
};

struct ConnectionBlocked {
  static constexpr MethodKey key = method_key(10, 60);
  static constexpr std::string_view name = "connection.blocked";
  static constexpr bool has_content = false;

  std::string_view reason{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reason = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(reason);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1 + reason.size();
  }
  friend bool operator==(const ConnectionBlocked&, const ConnectionBlocked&) = default;
};

struct ConnectionUnblocked {
  static constexpr MethodKey key = method_key(10, 61);
  static constexpr std::string_view name = "connection.unblocked";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ConnectionUnblocked&, const ConnectionUnblocked&) = default;
};

struct ConnectionUpdateSecret {
  static constexpr MethodKey key = method_key(10, 70);
  static constexpr std::string_view name = "connection.update-secret";
  static constexpr bool has_content = false;

  std::string_view new_secret{};
  std::string_view reason{};

  [[nodiscard]] bool decode(WireReader& reader) {
    new_secret = reader.long_string();
    reason = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.long_string(new_secret);
    writer.short_string(reason);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 5 + new_secret.size() + reason.size();
  }
  friend bool operator==(const ConnectionUpdateSecret&, const ConnectionUpdateSecret&) = default;
};

struct ConnectionUpdateSecretOk {
  static constexpr MethodKey key = method_key(10, 71);
  static constexpr std::string_view name = "connection.update-secret-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ConnectionUpdateSecretOk&, const ConnectionUpdateSecretOk&) = default;
};

struct ChannelOpen {
  static constexpr MethodKey key = method_key(20, 10);
  static constexpr std::string_view name = "channel.open";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string({});
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const ChannelOpen&, const ChannelOpen&) = default;
};

struct ChannelOpenOk {
  static constexpr MethodKey key = method_key(20, 11);
  static constexpr std::string_view name = "channel.open-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.long_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.long_string({});
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4;
  }
  friend bool operator==(const ChannelOpenOk&, const ChannelOpenOk&) = default;
};

struct ChannelFlow {
  static constexpr MethodKey key = method_key(20, 20);
  static constexpr std::string_view name = "channel.flow";
  static constexpr bool has_content = false;

  bool active = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    const std::uint8_t bits = reader.u8();
    active = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(active ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const ChannelFlow&, const ChannelFlow&) = default;
};

struct ChannelFlowOk {
  static constexpr MethodKey key = method_key(20, 21);
  static constexpr std::string_view name = "channel.flow-ok";
  static constexpr bool has_content = false;

  bool active = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    const std::uint8_t bits = reader.u8();
    active = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(active ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const ChannelFlowOk&, const ChannelFlowOk&) = default;
};

struct ChannelClose {
  static constexpr MethodKey key = method_key(20, 40);
  static constexpr std::string_view name = "channel.close";
  static constexpr bool has_content = false;

  std::uint16_t reply_code = 0;
  std::string_view reply_text{};
  std::uint16_t class_id = 0;
  std::uint16_t method_id = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    reply_code = reader.u16();
    reply_text = reader.short_string();
    class_id = reader.u16();
    method_id = reader.u16();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(reply_code);
    writer.short_string(reply_text);
    writer.u16(class_id);
    writer.u16(method_id);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 7 + reply_text.size();
  }
  friend bool operator==(const ChannelClose&, const ChannelClose&) = default;
};

struct ChannelCloseOk {
  static constexpr MethodKey key = method_key(20, 41);
  static constexpr std::string_view name = "channel.close-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ChannelCloseOk&, const ChannelCloseOk&) = default;
};

struct AccessRequest {
  static constexpr MethodKey key = method_key(30, 10);
  static constexpr std::string_view name = "access.request";
  static constexpr bool has_content = false;

  std::string_view realm{};
  bool exclusive = false;
  bool passive = false;
  bool active = false;
  bool write = false;
  bool read = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    realm = reader.short_string();
    const std::uint8_t bits = reader.u8();
    exclusive = (bits & 1) != 0;
    passive = (bits & 2) != 0;
    active = (bits & 4) != 0;
    write = (bits & 8) != 0;
    read = (bits & 16) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(realm);
    const int bits = exclusive | passive << 1 | active << 2 | write << 3 | read << 4;
    writer.u8(static_cast<std::uint8_t>(bits));
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 2 + realm.size();
  }
  friend bool operator==(const AccessRequest&, const AccessRequest&) = default;
};

struct AccessRequestOk {
  static constexpr MethodKey key = method_key(30, 11);
  static constexpr std::string_view name = "access.request-ok";
  static constexpr bool has_content = false;

  std::uint16_t ticket = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    ticket = reader.u16();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(ticket);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 2;
  }
  friend bool operator==(const AccessRequestOk&, const AccessRequestOk&) = default;
};

struct ExchangeDeclare {
  static constexpr MethodKey key = method_key(40, 10);
  static constexpr std::string_view name = "exchange.declare";
  static constexpr bool has_content = false;

  std::string_view exchange{};
  std::string_view type{};
  bool passive = false;
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    exchange = reader.short_string();
    type = reader.short_string();
    const std::uint8_t bits = reader.u8();
    passive = (bits & 1) != 0;
    durable = (bits & 2) != 0;
    auto_delete = (bits & 4) != 0;
    internal = (bits & 8) != 0;
    no_wait = (bits & 16) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(exchange);
    writer.short_string(type);
    const int bits = passive | durable << 1 | auto_delete << 2 | internal << 3 | no_wait << 4;
    writer.u8(static_cast<std::uint8_t>(bits));
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9 + exchange.size() + type.size() + arguments.size();
  }
  friend bool operator==(const ExchangeDeclare&, const ExchangeDeclare&) = default;
};

struct ExchangeDeclareOk {
  static constexpr MethodKey key = method_key(40, 11);
  static constexpr std::string_view name = "exchange.declare-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ExchangeDeclareOk&, const ExchangeDeclareOk&) = default;
};

struct ExchangeDelete {
  static constexpr MethodKey key = method_key(40, 20);
  static constexpr std::string_view name = "exchange.delete";
  static constexpr bool has_content = false;

  std::string_view exchange{};
  bool if_unused = false;
  bool no_wait = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    exchange = reader.short_string();
    const std::uint8_t bits = reader.u8();
    if_unused = (bits & 1) != 0;
    no_wait = (bits & 2) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(exchange);
    const int bits = if_unused | no_wait << 1;
    writer.u8(static_cast<std::uint8_t>(bits));
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + exchange.size();
  }
  friend bool operator==(const ExchangeDelete&, const ExchangeDelete&) = default;
};

struct ExchangeDeleteOk {
  static constexpr MethodKey key = method_key(40, 21);
  static constexpr std::string_view name = "exchange.delete-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ExchangeDeleteOk&, const ExchangeDeleteOk&) = default;
};

struct ExchangeBind {
  static constexpr MethodKey key = method_key(40, 30);
  static constexpr std::string_view name = "exchange.bind";
  static constexpr bool has_content = false;

  std::string_view destination{};
  std::string_view source{};
  std::string_view routing_key{};
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    destination = reader.short_string();
    source = reader.short_string();
    routing_key = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_wait = (bits & 1) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(destination);
    writer.short_string(source);
    writer.short_string(routing_key);
    writer.u8(no_wait ? 1 : 0);
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 10 + destination.size() + source.size() + routing_key.size() + arguments.size();
  }
  friend bool operator==(const ExchangeBind&, const ExchangeBind&) = default;
};

struct ExchangeBindOk {
  static constexpr MethodKey key = method_key(40, 31);
  static constexpr std::string_view name = "exchange.bind-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ExchangeBindOk&, const ExchangeBindOk&) = default;
};

struct ExchangeUnbind {
  static constexpr MethodKey key = method_key(40, 40);
  static constexpr std::string_view name = "exchange.unbind";
  static constexpr bool has_content = false;

  std::string_view destination{};
  std::string_view source{};
  std::string_view routing_key{};
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    destination = reader.short_string();
    source = reader.short_string();
    routing_key = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_wait = (bits & 1) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(destination);
    writer.short_string(source);
    writer.short_string(routing_key);
    writer.u8(no_wait ? 1 : 0);
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 10 + destination.size() + source.size() + routing_key.size() + arguments.size();
  }
  friend bool operator==(const ExchangeUnbind&, const ExchangeUnbind&) = default;
};

struct ExchangeUnbindOk {
  static constexpr MethodKey key = method_key(40, 51);
  static constexpr std::string_view name = "exchange.unbind-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ExchangeUnbindOk&, const ExchangeUnbindOk&) = default;
};

struct QueueDeclare {
  static constexpr MethodKey key = method_key(50, 10);
  static constexpr std::string_view name = "queue.declare";
  static constexpr bool has_content = false;

  std::string_view queue{};
  bool passive = false;
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    const std::uint8_t bits = reader.u8();
    passive = (bits & 1) != 0;
    durable = (bits & 2) != 0;
    exclusive = (bits & 4) != 0;
    auto_delete = (bits & 8) != 0;
    no_wait = (bits & 16) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    const int bits = passive | durable << 1 | exclusive << 2 | auto_delete << 3 | no_wait << 4;
    writer.u8(static_cast<std::uint8_t>(bits));
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 8 + queue.size() + arguments.size();
  }
  friend bool operator==(const QueueDeclare&, const QueueDeclare&) = default;
};

struct QueueDeclareOk {
  static constexpr MethodKey key = method_key(50, 11);
  static constexpr std::string_view name = "queue.declare-ok";
  static constexpr bool has_content = false;

  std::string_view queue{};
  std::uint32_t message_count = 0;
  std::uint32_t consumer_count = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    queue = reader.short_string();
    message_count = reader.u32();
    consumer_count = reader.u32();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(queue);
    writer.u32(message_count);
    writer.u32(consumer_count);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9 + queue.size();
  }
  friend bool operator==(const QueueDeclareOk&, const QueueDeclareOk&) = default;
};

struct QueueBind {
  static constexpr MethodKey key = method_key(50, 20);
  static constexpr std::string_view name = "queue.bind";
  static constexpr bool has_content = false;

  std::string_view queue{};
  std::string_view exchange{};
  std::string_view routing_key{};
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    exchange = reader.short_string();
    routing_key = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_wait = (bits & 1) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    writer.short_string(exchange);
    writer.short_string(routing_key);
    writer.u8(no_wait ? 1 : 0);
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 10 + queue.size() + exchange.size() + routing_key.size() + arguments.size();
  }
  friend bool operator==(const QueueBind&, const QueueBind&) = default;
};

struct QueueBindOk {
  static constexpr MethodKey key = method_key(50, 21);
  static constexpr std::string_view name = "queue.bind-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const QueueBindOk&, const QueueBindOk&) = default;
};

struct QueuePurge {
  static constexpr MethodKey key = method_key(50, 30);
  static constexpr std::string_view name = "queue.purge";
  static constexpr bool has_content = false;

  std::string_view queue{};
  bool no_wait = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_wait = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    writer.u8(no_wait ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + queue.size();
  }
  friend bool operator==(const QueuePurge&, const QueuePurge&) = default;
};

struct QueuePurgeOk {
  static constexpr MethodKey key = method_key(50, 31);
  static constexpr std::string_view name = "queue.purge-ok";
  static constexpr bool has_content = false;

  std::uint32_t message_count = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    message_count = reader.u32();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u32(message_count);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4;
  }
  friend bool operator==(const QueuePurgeOk&, const QueuePurgeOk&) = default;
};

struct QueueDelete {
  static constexpr MethodKey key = method_key(50, 40);
  static constexpr std::string_view name = "queue.delete";
  static constexpr bool has_content = false;

  std::string_view queue{};
  bool if_unused = false;
  bool if_empty = false;
  bool no_wait = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    const std::uint8_t bits = reader.u8();
    if_unused = (bits & 1) != 0;
    if_empty = (bits & 2) != 0;
    no_wait = (bits & 4) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    const int bits = if_unused | if_empty << 1 | no_wait << 2;
    writer.u8(static_cast<std::uint8_t>(bits));
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + queue.size();
  }
  friend bool operator==(const QueueDelete&, const QueueDelete&) = default;
};

struct QueueDeleteOk {
  static constexpr MethodKey key = method_key(50, 41);
  static constexpr std::string_view name = "queue.delete-ok";
  static constexpr bool has_content = false;

  std::uint32_t message_count = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    message_count = reader.u32();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u32(message_count);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4;
  }
  friend bool operator==(const QueueDeleteOk&, const QueueDeleteOk&) = default;
};

struct QueueUnbind {
  static constexpr MethodKey key = method_key(50, 50);
  static constexpr std::string_view name = "queue.unbind";
  static constexpr bool has_content = false;

  std::string_view queue{};
  std::string_view exchange{};
  std::string_view routing_key{};
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    exchange = reader.short_string();
    routing_key = reader.short_string();
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    writer.short_string(exchange);
    writer.short_string(routing_key);
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9 + queue.size() + exchange.size() + routing_key.size() + arguments.size();
  }
  friend bool operator==(const QueueUnbind&, const QueueUnbind&) = default;
};

struct QueueUnbindOk {
  static constexpr MethodKey key = method_key(50, 51);
  static constexpr std::string_view name = "queue.unbind-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const QueueUnbindOk&, const QueueUnbindOk&) = default;
};

struct BasicQos {
  static constexpr MethodKey key = method_key(60, 10);
  static constexpr std::string_view name = "basic.qos";
  static constexpr bool has_content = false;

  std::uint32_t prefetch_size = 0;
  std::uint16_t prefetch_count = 0;
  bool global = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    prefetch_size = reader.u32();
    prefetch_count = reader.u16();
    const std::uint8_t bits = reader.u8();
    global = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u32(prefetch_size);
    writer.u16(prefetch_count);
    writer.u8(global ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 7;
  }
  friend bool operator==(const BasicQos&, const BasicQos&) = default;
};

struct BasicQosOk {
  static constexpr MethodKey key = method_key(60, 11);
  static constexpr std::string_view name = "basic.qos-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const BasicQosOk&, const BasicQosOk&) = default;
};

struct BasicConsume {
  static constexpr MethodKey key = method_key(60, 20);
  static constexpr std::string_view name = "basic.consume";
  static constexpr bool has_content = false;

  std::string_view queue{};
  std::string_view consumer_tag{};
  bool no_local = false;
  bool no_ack = false;
  bool exclusive = false;
  bool no_wait = false;
  RawTable arguments{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    consumer_tag = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_local = (bits & 1) != 0;
    no_ack = (bits & 2) != 0;
    exclusive = (bits & 4) != 0;
    no_wait = (bits & 8) != 0;
    arguments = reader.raw_table();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    writer.short_string(consumer_tag);
    const int bits = no_local | no_ack << 1 | exclusive << 2 | no_wait << 3;
    writer.u8(static_cast<std::uint8_t>(bits));
    writer.raw_table(arguments);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9 + queue.size() + consumer_tag.size() + arguments.size();
  }
  friend bool operator==(const BasicConsume&, const BasicConsume&) = default;
};

struct BasicConsumeOk {
  static constexpr MethodKey key = method_key(60, 21);
  static constexpr std::string_view name = "basic.consume-ok";
  static constexpr bool has_content = false;

  std::string_view consumer_tag{};

  [[nodiscard]] bool decode(WireReader& reader) {
    consumer_tag = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(consumer_tag);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1 + consumer_tag.size();
  }
  friend bool operator==(const BasicConsumeOk&, const BasicConsumeOk&) = default;
};

struct BasicCancel {
  static constexpr MethodKey key = method_key(60, 30);
  static constexpr std::string_view name = "basic.cancel";
  static constexpr bool has_content = false;

  std::string_view consumer_tag{};
  bool no_wait = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    consumer_tag = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_wait = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(consumer_tag);
    writer.u8(no_wait ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 2 + consumer_tag.size();
  }
  friend bool operator==(const BasicCancel&, const BasicCancel&) = default;
};

struct BasicCancelOk {
  static constexpr MethodKey key = method_key(60, 31);
  static constexpr std::string_view name = "basic.cancel-ok";
  static constexpr bool has_content = false;

  std::string_view consumer_tag{};

  [[nodiscard]] bool decode(WireReader& reader) {
    consumer_tag = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(consumer_tag);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1 + consumer_tag.size();
  }
  friend bool operator==(const BasicCancelOk&, const BasicCancelOk&) = default;
};

struct BasicPublish {
  static constexpr MethodKey key = method_key(60, 40);
  static constexpr std::string_view name = "basic.publish";
  static constexpr bool has_content = true;

  std::string_view exchange{};
  std::string_view routing_key{};
  bool mandatory = false;
  bool immediate = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    exchange = reader.short_string();
    routing_key = reader.short_string();
    const std::uint8_t bits = reader.u8();
    mandatory = (bits & 1) != 0;
    immediate = (bits & 2) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(exchange);
    writer.short_string(routing_key);
    const int bits = mandatory | immediate << 1;
    writer.u8(static_cast<std::uint8_t>(bits));
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 5 + exchange.size() + routing_key.size();
  }
  friend bool operator==(const BasicPublish&, const BasicPublish&) = default;
};

struct BasicReturn {
  static constexpr MethodKey key = method_key(60, 50);
  static constexpr std::string_view name = "basic.return";
  static constexpr bool has_content = true;

  std::uint16_t reply_code = 0;
  std::string_view reply_text{};
  std::string_view exchange{};
  std::string_view routing_key{};

  [[nodiscard]] bool decode(WireReader& reader) {
    reply_code = reader.u16();
    reply_text = reader.short_string();
    exchange = reader.short_string();
    routing_key = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(reply_code);
    writer.short_string(reply_text);
    writer.short_string(exchange);
    writer.short_string(routing_key);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 5 + reply_text.size() + exchange.size() + routing_key.size();
  }
  friend bool operator==(const BasicReturn&, const BasicReturn&) = default;
};

struct BasicDeliver {
  static constexpr MethodKey key = method_key(60, 60);
  static constexpr std::string_view name = "basic.deliver";
  static constexpr bool has_content = true;

  std::string_view consumer_tag{};
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange{};
  std::string_view routing_key{};

  [[nodiscard]] bool decode(WireReader& reader) {
    consumer_tag = reader.short_string();
    delivery_tag = reader.u64();
    const std::uint8_t bits = reader.u8();
    redelivered = (bits & 1) != 0;
    exchange = reader.short_string();
    routing_key = reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string(consumer_tag);
    writer.u64(delivery_tag);
    writer.u8(redelivered ? 1 : 0);
    writer.short_string(exchange);
    writer.short_string(routing_key);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 12 + consumer_tag.size() + exchange.size() + routing_key.size();
  }
  friend bool operator==(const BasicDeliver&, const BasicDeliver&) = default;
};

struct BasicGet {
  static constexpr MethodKey key = method_key(60, 70);
  static constexpr std::string_view name = "basic.get";
  static constexpr bool has_content = false;

  std::string_view queue{};
  bool no_ack = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.u16();
    queue = reader.short_string();
    const std::uint8_t bits = reader.u8();
    no_ack = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u16(0);
    writer.short_string(queue);
    writer.u8(no_ack ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 4 + queue.size();
  }
  friend bool operator==(const BasicGet&, const BasicGet&) = default;
};

struct BasicGetOk {
  static constexpr MethodKey key = method_key(60, 71);
  static constexpr std::string_view name = "basic.get-ok";
  static constexpr bool has_content = true;

  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange{};
  std::string_view routing_key{};
  std::uint32_t message_count = 0;

  [[nodiscard]] bool decode(WireReader& reader) {
    delivery_tag = reader.u64();
    const std::uint8_t bits = reader.u8();
    redelivered = (bits & 1) != 0;
    exchange = reader.short_string();
    routing_key = reader.short_string();
    message_count = reader.u32();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u64(delivery_tag);
    writer.u8(redelivered ? 1 : 0);
    writer.short_string(exchange);
    writer.short_string(routing_key);
    writer.u32(message_count);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 15 + exchange.size() + routing_key.size();
  }
  friend bool operator==(const BasicGetOk&, const BasicGetOk&) = default;
};

struct BasicGetEmpty {
  static constexpr MethodKey key = method_key(60, 72);
  static constexpr std::string_view name = "basic.get-empty";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    reader.short_string();
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.short_string({});
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const BasicGetEmpty&, const BasicGetEmpty&) = default;
};

struct BasicAck {
  static constexpr MethodKey key = method_key(60, 80);
  static constexpr std::string_view name = "basic.ack";
  static constexpr bool has_content = false;

  std::uint64_t delivery_tag = 0;
  bool multiple = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    delivery_tag = reader.u64();
    const std::uint8_t bits = reader.u8();
    multiple = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u64(delivery_tag);
    writer.u8(multiple ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9;
  }
  friend bool operator==(const BasicAck&, const BasicAck&) = default;
};

struct BasicReject {
  static constexpr MethodKey key = method_key(60, 90);
  static constexpr std::string_view name = "basic.reject";
  static constexpr bool has_content = false;

  std::uint64_t delivery_tag = 0;
  bool requeue = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    delivery_tag = reader.u64();
    const std::uint8_t bits = reader.u8();
    requeue = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u64(delivery_tag);
    writer.u8(requeue ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9;
  }
  friend bool operator==(const BasicReject&, const BasicReject&) = default;
};

struct BasicRecoverAsync {
  static constexpr MethodKey key = method_key(60, 100);
  static constexpr std::string_view name = "basic.recover-async";
  static constexpr bool has_content = false;

  bool requeue = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    const std::uint8_t bits = reader.u8();
    requeue = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(requeue ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const BasicRecoverAsync&, const BasicRecoverAsync&) = default;
};

struct BasicRecover {
  static constexpr MethodKey key = method_key(60, 110);
  static constexpr std::string_view name = "basic.recover";
  static constexpr bool has_content = false;

  bool requeue = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    const std::uint8_t bits = reader.u8();
    requeue = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(requeue ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const BasicRecover&, const BasicRecover&) = default;
};

struct BasicRecoverOk {
  static constexpr MethodKey key = method_key(60, 111);
  static constexpr std::string_view name = "basic.recover-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const BasicRecoverOk&, const BasicRecoverOk&) = default;
};

struct BasicNack {
  static constexpr MethodKey key = method_key(60, 120);
  static constexpr std::string_view name = "basic.nack";
  static constexpr bool has_content = false;

  std::uint64_t delivery_tag = 0;
  bool multiple = false;
  bool requeue = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    delivery_tag = reader.u64();
    const std::uint8_t bits = reader.u8();
    multiple = (bits & 1) != 0;
    requeue = (bits & 2) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u64(delivery_tag);
    const int bits = multiple | requeue << 1;
    writer.u8(static_cast<std::uint8_t>(bits));
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 9;
  }
  friend bool operator==(const BasicNack&, const BasicNack&) = default;
};

struct ConfirmSelect {
  static constexpr MethodKey key = method_key(85, 10);
  static constexpr std::string_view name = "confirm.select";
  static constexpr bool has_content = false;

  bool nowait = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    const std::uint8_t bits = reader.u8();
    nowait = (bits & 1) != 0;
    return reader.is_finished();
  }
  void encode(WireWriter& writer) const {
    writer.u8(nowait ? 1 : 0);
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 1;
  }
  friend bool operator==(const ConfirmSelect&, const ConfirmSelect&) = default;
};

struct ConfirmSelectOk {
  static constexpr MethodKey key = method_key(85, 11);
  static constexpr std::string_view name = "confirm.select-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const ConfirmSelectOk&, const ConfirmSelectOk&) = default;
};

struct TxSelect {
  static constexpr MethodKey key = method_key(90, 10);
  static constexpr std::string_view name = "tx.select";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxSelect&, const TxSelect&) = default;
};

struct TxSelectOk {
  static constexpr MethodKey key = method_key(90, 11);
  static constexpr std::string_view name = "tx.select-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxSelectOk&, const TxSelectOk&) = default;
};

struct TxCommit {
  static constexpr MethodKey key = method_key(90, 20);
  static constexpr std::string_view name = "tx.commit";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxCommit&, const TxCommit&) = default;
};

struct TxCommitOk {
  static constexpr MethodKey key = method_key(90, 21);
  static constexpr std::string_view name = "tx.commit-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxCommitOk&, const TxCommitOk&) = default;
};

struct TxRollback {
  static constexpr MethodKey key = method_key(90, 30);
  static constexpr std::string_view name = "tx.rollback";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxRollback&, const TxRollback&) = default;
};

struct TxRollbackOk {
  static constexpr MethodKey key = method_key(90, 31);
  static constexpr std::string_view name = "tx.rollback-ok";
  static constexpr bool has_content = false;

  [[nodiscard]] bool decode(WireReader& reader) {
    return reader.is_finished();
  }
  void encode([[maybe_unused]] WireWriter& writer) const {
  }
  [[nodiscard]] std::size_t encoded_size() const {
    return 0;
  }
  friend bool operator==(const TxRollbackOk&, const TxRollbackOk&) = default;
};

/// "queue.declare"; empty for a key that names no method.
[[nodiscard]] constexpr std::string_view method_name(MethodKey key) {
  switch (key) {
    case ConnectionStart::key:
      return ConnectionStart::name;
    case ConnectionStartOk::key:
      return ConnectionStartOk::name;
    case ConnectionSecure::key:
      return ConnectionSecure::name;
    case ConnectionSecureOk::key:
      return ConnectionSecureOk::name;
    case ConnectionTune::key:
      return ConnectionTune::name;
    case ConnectionTuneOk::key:
      return ConnectionTuneOk::name;
    case ConnectionOpen::key:
      return ConnectionOpen::name;
    case ConnectionOpenOk::key:
      return ConnectionOpenOk::name;
    case ConnectionClose::key:
      return ConnectionClose::name;
    case ConnectionCloseOk::key:
      return ConnectionCloseOk::name;
    case ConnectionBlocked::key:
      return ConnectionBlocked::name;
    case ConnectionUnblocked::key:
      return ConnectionUnblocked::name;
    case ConnectionUpdateSecret::key:
      return ConnectionUpdateSecret::name;
    case ConnectionUpdateSecretOk::key:
      return ConnectionUpdateSecretOk::name;
    case ChannelOpen::key:
      return ChannelOpen::name;
    case ChannelOpenOk::key:
      return ChannelOpenOk::name;
    case ChannelFlow::key:
      return ChannelFlow::name;
    case ChannelFlowOk::key:
      return ChannelFlowOk::name;
    case ChannelClose::key:
      return ChannelClose::name;
    case ChannelCloseOk::key:
      return ChannelCloseOk::name;
    case AccessRequest::key:
      return AccessRequest::name;
    case AccessRequestOk::key:
      return AccessRequestOk::name;
    case ExchangeDeclare::key:
      return ExchangeDeclare::name;
    case ExchangeDeclareOk::key:
      return ExchangeDeclareOk::name;
    case ExchangeDelete::key:
      return ExchangeDelete::name;
    case ExchangeDeleteOk::key:
      return ExchangeDeleteOk::name;
    case ExchangeBind::key:
      return ExchangeBind::name;
    case ExchangeBindOk::key:
      return ExchangeBindOk::name;
    case ExchangeUnbind::key:
      return ExchangeUnbind::name;
    case ExchangeUnbindOk::key:
      return ExchangeUnbindOk::name;
    case QueueDeclare::key:
      return QueueDeclare::name;
    case QueueDeclareOk::key:
      return QueueDeclareOk::name;
    case QueueBind::key:
      return QueueBind::name;
    case QueueBindOk::key:
      return QueueBindOk::name;
    case QueuePurge::key:
      return QueuePurge::name;
    case QueuePurgeOk::key:
      return QueuePurgeOk::name;
    case QueueDelete::key:
      return QueueDelete::name;
    case QueueDeleteOk::key:
      return QueueDeleteOk::name;
    case QueueUnbind::key:
      return QueueUnbind::name;
    case QueueUnbindOk::key:
      return QueueUnbindOk::name;
    case BasicQos::key:
      return BasicQos::name;
    case BasicQosOk::key:
      return BasicQosOk::name;
    case BasicConsume::key:
      return BasicConsume::name;
    case BasicConsumeOk::key:
      return BasicConsumeOk::name;
    case BasicCancel::key:
      return BasicCancel::name;
    case BasicCancelOk::key:
      return BasicCancelOk::name;
    case BasicPublish::key:
      return BasicPublish::name;
    case BasicReturn::key:
      return BasicReturn::name;
    case BasicDeliver::key:
      return BasicDeliver::name;
    case BasicGet::key:
      return BasicGet::name;
    case BasicGetOk::key:
      return BasicGetOk::name;
    case BasicGetEmpty::key:
      return BasicGetEmpty::name;
    case BasicAck::key:
      return BasicAck::name;
    case BasicReject::key:
      return BasicReject::name;
    case BasicRecoverAsync::key:
      return BasicRecoverAsync::name;
    case BasicRecover::key:
      return BasicRecover::name;
    case BasicRecoverOk::key:
      return BasicRecoverOk::name;
    case BasicNack::key:
      return BasicNack::name;
    case ConfirmSelect::key:
      return ConfirmSelect::name;
    case ConfirmSelectOk::key:
      return ConfirmSelectOk::name;
    case TxSelect::key:
      return TxSelect::name;
    case TxSelectOk::key:
      return TxSelectOk::name;
    case TxCommit::key:
      return TxCommit::name;
    case TxCommitOk::key:
      return TxCommitOk::name;
    case TxRollback::key:
      return TxRollback::name;
    case TxRollbackOk::key:
      return TxRollbackOk::name;
    default:
      return {};
  }
}

[[nodiscard]] constexpr bool is_known_method(MethodKey key) {
  return !method_name(key).empty();
}

[[nodiscard]] constexpr bool is_known_class(std::uint16_t class_id) {
  switch (class_id) {
    case connection_class_id:
    case channel_class_id:
    case access_class_id:
    case exchange_class_id:
    case queue_class_id:
    case basic_class_id:
    case confirm_class_id:
    case tx_class_id:
      return true;
    default:
      return false;
  }
}

/// Calls visit.template operator()<Method>() for every method there is.
template <class Visit>
void for_each_method(Visit&& visit) {
  visit.template operator()<ConnectionStart>();
  visit.template operator()<ConnectionStartOk>();
  visit.template operator()<ConnectionSecure>();
  visit.template operator()<ConnectionSecureOk>();
  visit.template operator()<ConnectionTune>();
  visit.template operator()<ConnectionTuneOk>();
  visit.template operator()<ConnectionOpen>();
  visit.template operator()<ConnectionOpenOk>();
  visit.template operator()<ConnectionClose>();
  visit.template operator()<ConnectionCloseOk>();
  visit.template operator()<ConnectionBlocked>();
  visit.template operator()<ConnectionUnblocked>();
  visit.template operator()<ConnectionUpdateSecret>();
  visit.template operator()<ConnectionUpdateSecretOk>();
  visit.template operator()<ChannelOpen>();
  visit.template operator()<ChannelOpenOk>();
  visit.template operator()<ChannelFlow>();
  visit.template operator()<ChannelFlowOk>();
  visit.template operator()<ChannelClose>();
  visit.template operator()<ChannelCloseOk>();
  visit.template operator()<AccessRequest>();
  visit.template operator()<AccessRequestOk>();
  visit.template operator()<ExchangeDeclare>();
  visit.template operator()<ExchangeDeclareOk>();
  visit.template operator()<ExchangeDelete>();
  visit.template operator()<ExchangeDeleteOk>();
  visit.template operator()<ExchangeBind>();
  visit.template operator()<ExchangeBindOk>();
  visit.template operator()<ExchangeUnbind>();
  visit.template operator()<ExchangeUnbindOk>();
  visit.template operator()<QueueDeclare>();
  visit.template operator()<QueueDeclareOk>();
  visit.template operator()<QueueBind>();
  visit.template operator()<QueueBindOk>();
  visit.template operator()<QueuePurge>();
  visit.template operator()<QueuePurgeOk>();
  visit.template operator()<QueueDelete>();
  visit.template operator()<QueueDeleteOk>();
  visit.template operator()<QueueUnbind>();
  visit.template operator()<QueueUnbindOk>();
  visit.template operator()<BasicQos>();
  visit.template operator()<BasicQosOk>();
  visit.template operator()<BasicConsume>();
  visit.template operator()<BasicConsumeOk>();
  visit.template operator()<BasicCancel>();
  visit.template operator()<BasicCancelOk>();
  visit.template operator()<BasicPublish>();
  visit.template operator()<BasicReturn>();
  visit.template operator()<BasicDeliver>();
  visit.template operator()<BasicGet>();
  visit.template operator()<BasicGetOk>();
  visit.template operator()<BasicGetEmpty>();
  visit.template operator()<BasicAck>();
  visit.template operator()<BasicReject>();
  visit.template operator()<BasicRecoverAsync>();
  visit.template operator()<BasicRecover>();
  visit.template operator()<BasicRecoverOk>();
  visit.template operator()<BasicNack>();
  visit.template operator()<ConfirmSelect>();
  visit.template operator()<ConfirmSelectOk>();
  visit.template operator()<TxSelect>();
  visit.template operator()<TxSelectOk>();
  visit.template operator()<TxCommit>();
  visit.template operator()<TxCommitOk>();
  visit.template operator()<TxRollback>();
  visit.template operator()<TxRollbackOk>();
}

}  // namespace leveret::amqp
