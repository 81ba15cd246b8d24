// SPDX-License-Identifier: Apache-2.0
//
// ChangeWriter: each kind of Change as statements, prepared once.
//
// Thread: as Database. Borrows: the Database, which outlives it.

#pragma once

#include "base/result.h"
#include "metadata/change.h"
#include "metadata/database.h"

namespace leveret {

class ChangeWriter {
 public:
  /// Requires: the schema is there.
  [[nodiscard]] static Result<ChangeWriter> prepare(Database& database);

  /// Makes the change in the open transaction.
  /// Errors: the transaction is of no use any more and is to be rolled back.
  [[nodiscard]] Result<void> write(const Change& change);

 private:
  ChangeWriter() = default;

  [[nodiscard]] Result<void> write_one(const PutVhost& change);
  [[nodiscard]] Result<void> write_one(const DeleteVhost& change);
  [[nodiscard]] Result<void> write_one(const PutUser& change);
  [[nodiscard]] Result<void> write_one(const DeleteUser& change);
  [[nodiscard]] Result<void> write_one(const PutPermission& change);
  [[nodiscard]] Result<void> write_one(const DeletePermission& change);
  [[nodiscard]] Result<void> write_one(const PutExchange& change);
  [[nodiscard]] Result<void> write_one(const DeleteExchange& change);
  [[nodiscard]] Result<void> write_one(const PutQueue& change);
  [[nodiscard]] Result<void> write_one(const DeleteQueue& change);
  [[nodiscard]] Result<void> write_one(const ReserveQueueNumbers& change);
  [[nodiscard]] Result<void> write_one(const PutBinding& change);
  [[nodiscard]] Result<void> write_one(const DeleteBinding& change);
  [[nodiscard]] Result<void> write_one(const PutPolicy& change);
  [[nodiscard]] Result<void> write_one(const DeletePolicy& change);

  Statement put_vhost_;
  Statement put_vhost_tag_;
  Statement delete_vhost_;
  Statement delete_vhost_tags_;
  Statement delete_vhost_permissions_;
  Statement delete_vhost_exchanges_;
  Statement delete_vhost_queues_;
  Statement delete_vhost_bindings_;
  Statement delete_vhost_policies_;
  Statement put_vhost_limit_;
  Statement delete_vhost_limits_;
  Statement put_user_limit_;
  Statement delete_user_limits_;
  Statement put_user_;
  Statement put_user_tag_;
  Statement delete_user_;
  Statement delete_user_tags_;
  Statement delete_user_permissions_;
  Statement put_permission_;
  Statement delete_permission_;
  Statement put_exchange_;
  Statement delete_exchange_;
  Statement put_queue_;
  Statement delete_queue_;
  Statement reserve_queue_numbers_;
  Statement put_binding_;
  Statement delete_binding_;
  Statement put_policy_;
  Statement delete_policy_;
};

}  // namespace leveret
