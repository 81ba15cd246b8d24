// SPDX-License-Identifier: Apache-2.0
//
// Is what is declared again the same as what is there? Flags first, then the arguments that mean
// something, each in RabbitMQ's order and words; arguments that the broker does not know are not
// compared. Integers of different width are the same if their values are.
// RabbitMQ: queues#property-equivalence.
//
// Thread: any.

#pragma once

#include "amqp/amqp_error.h"
#include "vhost/requests.h"
#include "vhost/topology.h"

namespace leveret {

/// Errors: precondition_failed, naming the first difference.
[[nodiscard]] amqp::AmqpResult<void> check_equivalent(const QueueProperties& existing,
                                                      const QueueDeclaration& declaration);
[[nodiscard]] amqp::AmqpResult<void> check_equivalent(const ExchangeProperties& existing,
                                                      const ExchangeDeclaration& declaration);

}  // namespace leveret
