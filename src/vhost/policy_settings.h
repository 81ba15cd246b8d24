// SPDX-License-Identifier: Apache-2.0
//
// The settings that a policy's definition may have: their names, what they may be, and what they
// mean to a Policy.
//
// Some say something of RabbitMQ that is not so here: how mirrors are made, where a leader is
// placed, in which format a queue is kept. They are taken, since definitions carry them from broker
// to broker, and have no effect; docs/policies.md names them.
//
// Thread: any. Spec: RabbitMQ 3.10: parameters#policies; texts of rabbit_policies and
// rabbit_mirror_queue_misc.

#pragma once

#include "amqp/field_table.h"

#include <optional>
#include <string>

namespace leveret {

struct Policy;

/// Reads the definition into `policy`, whose record says whether it is an operator's: only some of
/// the settings are for those. What is wrong, as RabbitMQ says it; nullopt: nothing.
[[nodiscard]] std::optional<std::string> read_policy_definition(const amqp::FieldTable& definition,
                                                                Policy& policy);

/// What holds where a queue has a policy and an operator's: of a number that both have the lower
/// one, else the first policy's word before the operator's.
[[nodiscard]] amqp::FieldTable merged_definition(const amqp::FieldTable& definition,
                                                 const amqp::FieldTable& of_operator);

}  // namespace leveret
