// SPDX-License-Identifier: Apache-2.0
//
// Publisher confirms and transactions, which exclude one another.

#include "refusal.h"

namespace leveret::wire {
namespace {

using namespace amqp;  // The methods, by their names.

std::vector<Refusal> confirm_and_tx_rows() {
  const auto refused = [](std::string detail, MethodKey key) {
    return closes_channel(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + detail, key);
  };
  const Answer missing = closes_channel(
      ReplyCode::not_found, "NOT_FOUND - no exchange 'wire.none' in vhost '/'", BasicPublish::key);
  const std::string confirm = method(ConfirmSelect{});
  const std::string select = method(TxSelect{});
  const std::string to_missing = publish({.exchange = "wire.none"});
  return {
      {.name = "tx_after_confirm",
       .bytes = confirm + select,
       .expected = refused("cannot switch from confirm to tx mode", TxSelect::key)},
      {.name = "confirm_after_tx",
       .bytes = select + confirm,
       .expected = refused("cannot switch from tx to confirm mode", ConfirmSelect::key)},
      {.name = "confirm_after_tx_without_waiting",
       .bytes = select + method(ConfirmSelect{.nowait = true}),
       .expected = refused("cannot switch from tx to confirm mode", ConfirmSelect::key)},
      {.name = "commit_without_select",
       .bytes = method(TxCommit{}),
       .expected = refused("channel is not transactional", TxCommit::key)},
      {.name = "rollback_without_select",
       .bytes = method(TxRollback{}),
       .expected = refused("channel is not transactional", TxRollback::key)},
      {.name = "commit_on_a_confirming_channel",
       .bytes = confirm + method(TxCommit{}),
       .expected = refused("channel is not transactional", TxCommit::key)},
      {.name = "confirm_twice",
       .bytes = confirm + confirm,
       .expected = answers(ConfirmSelectOk::key)},
      {.name = "tx_twice",
       .bytes = select + select + method(TxCommit{}) + method(TxRollback{}),
       .expected = answers(TxRollbackOk::key)},
      // Refused when they come, not at the commit.
      {.name = "unknown_tag_in_tx",
       .bytes = select + method(BasicAck{.delivery_tag = 5}),
       .expected = refused("unknown delivery tag 5", BasicAck::key)},
      {.name = "publish_to_missing_in_tx", .bytes = select + to_missing, .expected = missing},
      {.name = "immediate_in_tx",
       .bytes = select + publish({.immediate = true}),
       .expected = closes_connection(ReplyCode::not_implemented, "NOT_IMPLEMENTED - immediate=true",
                                     BasicPublish::key)},
      {.name = "publish_to_missing_when_confirming",
       .bytes = confirm + to_missing,
       .expected = missing},
      {.name = "unroutable_when_confirming",
       .bytes = confirm + publish({.routing_key = "wire.none"}),
       .expected = answers(BasicAck::key)},
  };
}

LEVERET_REFUSALS(ConfirmAndTx, confirm_and_tx_rows());

}  // namespace
}  // namespace leveret::wire
