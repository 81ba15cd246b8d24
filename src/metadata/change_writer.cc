// SPDX-License-Identifier: Apache-2.0
#include "metadata/change_writer.h"

#include "base/assert.h"

#include <utility>

namespace leveret {
namespace {

Result<void> write_tags(Statement& statement, const std::string& owner,
                        const std::vector<std::string>& tags) {
  std::int64_t position = 0;
  for (const std::string& tag : tags) {
    LEVERET_CHECK(statement.bind(owner).bind(position++).bind(tag).run());
  }
  return {};
}

std::int64_t as_number(bool flag) { return flag ? 1 : 0; }

std::int64_t as_number(std::uint64_t number) {
  LEVERET_ASSERT(std::in_range<std::int64_t>(number), "{} is no number of SQLite's", number);
  return static_cast<std::int64_t>(number);
}

Result<void> write_limits(Statement& statement, const std::string& owner,
                          const LimitsRecord& limits) {
  for (const auto& [name, value] : limits) {
    LEVERET_CHECK(statement.bind(owner).bind(name).bind(value).run());
  }
  return {};
}

}  // namespace

Result<ChangeWriter> ChangeWriter::prepare(Database& database) {
  ChangeWriter writer;
  const struct {
    Statement ChangeWriter::*statement;
    std::string_view sql;
  } statements[] = {
      {&ChangeWriter::put_vhost_, "REPLACE INTO vhosts VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::put_vhost_tag_, "INSERT INTO vhost_tags VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::delete_vhost_, "DELETE FROM vhosts WHERE name = ?1"},
      {&ChangeWriter::delete_vhost_tags_, "DELETE FROM vhost_tags WHERE vhost = ?1"},
      {&ChangeWriter::delete_vhost_permissions_, "DELETE FROM permissions WHERE vhost = ?1"},
      {&ChangeWriter::delete_vhost_exchanges_, "DELETE FROM exchanges WHERE vhost = ?1"},
      {&ChangeWriter::delete_vhost_queues_, "DELETE FROM queues WHERE vhost = ?1"},
      {&ChangeWriter::delete_vhost_bindings_, "DELETE FROM bindings WHERE vhost = ?1"},
      {&ChangeWriter::delete_vhost_policies_, "DELETE FROM policies WHERE vhost = ?1"},
      {&ChangeWriter::put_vhost_limit_, "INSERT INTO vhost_limits VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::delete_vhost_limits_, "DELETE FROM vhost_limits WHERE vhost = ?1"},
      {&ChangeWriter::put_user_limit_, "INSERT INTO user_limits VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::delete_user_limits_, "DELETE FROM user_limits WHERE user = ?1"},
      {&ChangeWriter::put_user_, "REPLACE INTO users VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::put_user_tag_, "INSERT INTO user_tags VALUES (?1, ?2, ?3)"},
      {&ChangeWriter::delete_user_, "DELETE FROM users WHERE name = ?1"},
      {&ChangeWriter::delete_user_tags_, "DELETE FROM user_tags WHERE user = ?1"},
      {&ChangeWriter::delete_user_permissions_, "DELETE FROM permissions WHERE user = ?1"},
      {&ChangeWriter::put_permission_, "REPLACE INTO permissions VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&ChangeWriter::delete_permission_, "DELETE FROM permissions WHERE vhost = ?1 AND user = ?2"},
      {&ChangeWriter::put_exchange_,
       "REPLACE INTO exchanges VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&ChangeWriter::delete_exchange_, "DELETE FROM exchanges WHERE vhost = ?1 AND name = ?2"},
      {&ChangeWriter::put_queue_, "REPLACE INTO queues VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&ChangeWriter::delete_queue_, "DELETE FROM queues WHERE vhost = ?1 AND name = ?2"},
      {&ChangeWriter::reserve_queue_numbers_,
       "UPDATE queue_numbers SET reserved = max(reserved, ?1)"},
      {&ChangeWriter::put_binding_, "REPLACE INTO bindings VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&ChangeWriter::delete_binding_,
       "DELETE FROM bindings WHERE vhost = ?1 AND source = ?2 AND destination = ?3 AND "
       "destination_is_queue = ?4 AND routing_key = ?5 AND arguments = ?6"},
      {&ChangeWriter::put_policy_, "REPLACE INTO policies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&ChangeWriter::delete_policy_,
       "DELETE FROM policies WHERE vhost = ?1 AND is_operator = ?2 AND name = ?3"},
  };
  for (const auto& [statement, sql] : statements) {
    LEVERET_TRY(writer.*statement, database.prepare(sql));
  }
  return writer;
}

Result<void> ChangeWriter::write(const Change& change) {
  return std::visit([this](const auto& one) { return write_one(one); }, change);
}

Result<void> ChangeWriter::write_one(const PutVhost& change) {
  const VhostRecord& vhost = change.vhost;
  LEVERET_CHECK(
      put_vhost_.bind(vhost.name).bind(vhost.description).bind(vhost.default_queue_type).run());
  LEVERET_CHECK(delete_vhost_tags_.bind(vhost.name).run());
  LEVERET_CHECK(write_tags(put_vhost_tag_, vhost.name, vhost.tags));
  LEVERET_CHECK(delete_vhost_limits_.bind(vhost.name).run());
  return write_limits(put_vhost_limit_, vhost.name, vhost.limits);
}

Result<void> ChangeWriter::write_one(const DeleteVhost& change) {
  for (Statement* statement :
       {&delete_vhost_, &delete_vhost_tags_, &delete_vhost_permissions_, &delete_vhost_exchanges_,
        &delete_vhost_queues_, &delete_vhost_bindings_, &delete_vhost_policies_,
        &delete_vhost_limits_}) {
    LEVERET_CHECK(statement->bind(change.name).run());
  }
  return {};
}

Result<void> ChangeWriter::write_one(const PutUser& change) {
  const UserRecord& user = change.user;
  LEVERET_CHECK(
      put_user_.bind(user.name).bind(user.password_hash).bind(user.hashing_algorithm).run());
  LEVERET_CHECK(delete_user_tags_.bind(user.name).run());
  LEVERET_CHECK(write_tags(put_user_tag_, user.name, user.tags));
  LEVERET_CHECK(delete_user_limits_.bind(user.name).run());
  return write_limits(put_user_limit_, user.name, user.limits);
}

Result<void> ChangeWriter::write_one(const DeleteUser& change) {
  for (Statement* statement :
       {&delete_user_, &delete_user_tags_, &delete_user_permissions_, &delete_user_limits_}) {
    LEVERET_CHECK(statement->bind(change.name).run());
  }
  return {};
}

Result<void> ChangeWriter::write_one(const PutPermission& change) {
  const PermissionRecord& permission = change.permission;
  return put_permission_.bind(permission.vhost)
      .bind(permission.user)
      .bind(permission.configure)
      .bind(permission.write)
      .bind(permission.read)
      .run();
}

Result<void> ChangeWriter::write_one(const DeletePermission& change) {
  return delete_permission_.bind(change.vhost).bind(change.user).run();
}

Result<void> ChangeWriter::write_one(const PutExchange& change) {
  const ExchangeRecord& exchange = change.exchange;
  return put_exchange_.bind(exchange.vhost)
      .bind(exchange.name)
      .bind(exchange.type)
      .bind(as_number(exchange.auto_delete))
      .bind(as_number(exchange.internal))
      .bind(exchange.arguments)
      .bind(as_number(exchange.held_back_number))
      .bind(std::int64_t{exchange.held_back_journal})
      .run();
}

Result<void> ChangeWriter::write_one(const DeleteExchange& change) {
  return delete_exchange_.bind(change.vhost).bind(change.name).run();
}

Result<void> ChangeWriter::write_one(const PutQueue& change) {
  const QueueRecord& queue = change.queue;
  return put_queue_.bind(queue.vhost)
      .bind(queue.name)
      .bind(as_number(queue.auto_delete))
      .bind(queue.arguments)
      .bind(queue.type)
      .bind(as_number(queue.number))
      .bind(std::int64_t{queue.journal})
      .run();
}

Result<void> ChangeWriter::write_one(const DeleteQueue& change) {
  return delete_queue_.bind(change.vhost).bind(change.name).run();
}

Result<void> ChangeWriter::write_one(const ReserveQueueNumbers& change) {
  return reserve_queue_numbers_.bind(as_number(change.up_to)).run();
}

Result<void> ChangeWriter::write_one(const PutBinding& change) {
  const BindingRecord& binding = change.binding;
  return put_binding_.bind(binding.vhost)
      .bind(binding.source)
      .bind(binding.destination)
      .bind(as_number(binding.destination_is_queue))
      .bind(binding.routing_key)
      .bind(binding.arguments)
      .run();
}

Result<void> ChangeWriter::write_one(const DeleteBinding& change) {
  const BindingRecord& binding = change.binding;
  return delete_binding_.bind(binding.vhost)
      .bind(binding.source)
      .bind(binding.destination)
      .bind(as_number(binding.destination_is_queue))
      .bind(binding.routing_key)
      .bind(binding.arguments)
      .run();
}

Result<void> ChangeWriter::write_one(const PutPolicy& change) {
  const PolicyRecord& policy = change.policy;
  return put_policy_.bind(policy.vhost)
      .bind(as_number(policy.is_operator))
      .bind(policy.name)
      .bind(policy.pattern)
      .bind(policy.apply_to)
      .bind(policy.definition)
      .bind(policy.priority)
      .run();
}

Result<void> ChangeWriter::write_one(const DeletePolicy& change) {
  return delete_policy_.bind(change.vhost)
      .bind(as_number(change.is_operator))
      .bind(change.name)
      .run();
}

}  // namespace leveret
