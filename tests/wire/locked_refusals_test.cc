// SPDX-License-Identifier: Apache-2.0
//
// A queue that is exclusive to another connection, and the flag's own equivalence.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

Answer locked(std::string queue, MethodKey key) {
  return closes_channel(
      ReplyCode::resource_locked,
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '" + queue +
          "' in vhost '/'. It could be originally declared on another connection or the exclusive "
          "property value does not match that of the original declaration.",
      key);
}

std::vector<Refusal> locked_rows() {
  constexpr std::string_view queue = "wire.locked";
  const auto declare = [&](const Fields& arguments) {
    return method(QueueDeclare{.queue = queue, .exclusive = true, .arguments = arguments});
  };
  return {
      {.name = "declare",
       .bytes = declare({}),
       .expected = locked("wire.locked", QueueDeclare::key)},
      {.name = "declare_shared",
       .bytes = method(QueueDeclare{.queue = queue}),
       .expected = locked("wire.locked", QueueDeclare::key)},
      {.name = "declare_passively",
       .bytes = method(QueueDeclare{.queue = queue, .passive = true}),
       .expected = locked("wire.locked", QueueDeclare::key)},
      {.name = "is_told_before_inequivalence",
       .bytes = method(QueueDeclare{.queue = queue, .durable = true, .exclusive = true}),
       .expected = locked("wire.locked", QueueDeclare::key)},
      {.name = "is_told_before_invalid_arguments",
       .bytes = declare(Fields().int32("x-expires", -5)),
       .expected = locked("wire.locked", QueueDeclare::key)},
      {.name = "bind",
       .bytes = method(QueueBind{.queue = queue, .exchange = "amq.direct"}),
       .expected = locked("wire.locked", QueueBind::key)},
      {.name = "unbind_of_a_missing_binding",
       .bytes = method(QueueUnbind{.queue = queue, .exchange = "amq.direct"}),
       .expected = answers(QueueUnbindOk::key)},
      {.name = "purge",
       .bytes = method(QueuePurge{.queue = queue}),
       .expected = locked("wire.locked", QueuePurge::key)},
      {.name = "delete_",
       .bytes = method(QueueDelete{.queue = queue}),
       .expected = locked("wire.locked", QueueDelete::key)},
      {.name = "get",
       .bytes = method(BasicGet{.queue = queue}),
       .expected = locked("wire.locked", BasicGet::key)},
      {.name = "consume",
       .bytes = method(BasicConsume{.queue = queue}),
       .expected = locked("wire.locked", BasicConsume::key)},
      // Exclusive is who may name it in a method; messages may come from anywhere.
      {.name = "publish",
       .bytes = publish({.routing_key = queue, .mandatory = true}) + method(BasicQos{}),
       .expected = answers(BasicQosOk::key)},
      {.name = "own_queue_no_longer_exclusive",
       .bytes = method(QueueDeclare{.queue = "wire.q", .exclusive = true}) +
                method(QueueDeclare{.queue = "wire.q"}),
       .expected = locked("wire.q", QueueDeclare::key)},
      {.name = "shared_queue_now_exclusive",
       .bytes = method(QueueDeclare{.queue = "wire.q"}) +
                method(QueueDeclare{.queue = "wire.q", .exclusive = true}),
       .expected = locked("wire.q", QueueDeclare::key)},
  };
}

LEVERET_REFUSALS(Locked, locked_rows());

}  // namespace
}  // namespace leveret::wire
