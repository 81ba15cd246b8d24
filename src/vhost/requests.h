// SPDX-License-Identifier: Apache-2.0
//
// What a session asks of the registry, and what it hears. Names have been checked and permissions
// asked by then (session/access.h); what only the registry can know (is it there, is it the same,
// is it in use) is answered here.
//
// Thread: values; they travel to the control worker and back.

#pragma once

#include "amqp/amqp_error.h"
#include "amqp/field_table.h"
#include "message/ids.h"
#include "vhost/topology.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace leveret {

/// Who did it: the broker by itself; and the owner of its process, who is no user of the broker.
inline constexpr std::string_view by_broker = "rmq-internal";
inline constexpr std::string_view by_owner = "rmq-cli";

/// Called exactly once, on the worker that asked; perhaps before the asking call returns.
template <class T>
using Done = std::move_only_function<void(amqp::AmqpResult<T>)>;

struct ExchangeDeclaration {
  std::string vhost;
  std::string name;
  ExchangeType type = ExchangeType::direct;
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_internal = false;
  amqp::FieldTable arguments;
  ConnectionId connection;    ///< Who asks; on its worker is at home what the exchange holds back.
  std::string by{by_broker};  ///< Who asks, for events.
};

struct ExchangeDeletion {
  std::string vhost;
  std::string name;
  bool if_unused = false;
  std::string by{by_broker};
};

struct QueueDeclaration {
  std::string vhost;
  std::string name;
  bool is_durable = false;
  bool is_exclusive = false;
  bool is_auto_delete = false;
  amqp::FieldTable arguments;
  ConnectionId connection;  ///< Who asks; the owner when exclusive. Its worker becomes the home.
  std::string by{by_broker};
};

struct DeclaredQueue {
  std::string name;
  std::uint64_t ready = 0;
  std::uint64_t consumers = 0;
};

struct QueueDeletion {
  std::string vhost;
  std::string name;
  bool if_unused = false;
  bool if_empty = false;
  ConnectionId connection;
  std::string by{by_broker};
};

struct BindingRequest {
  BindingProperties binding;
  bool is_unbind = false;
  ConnectionId connection;
  std::string by{by_broker};
};

}  // namespace leveret
