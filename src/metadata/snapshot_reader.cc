// SPDX-License-Identifier: Apache-2.0
#include "metadata/snapshot_reader.h"

#include <map>
#include <utility>

namespace leveret {
namespace {

std::string text(const Statement& row, int column) { return std::string(row.bytes(column)); }

/// Calls `take(row)` for each row of `sql`.
template <class Take>
Result<void> for_each_row(Database& database, std::string_view sql, Take take) {
  LEVERET_TRY(Statement row, database.prepare(sql));
  while (true) {
    LEVERET_TRY(const bool has_row, row.next_row());
    if (!has_row) return {};
    take(row);
  }
}

using TagsByName = std::map<std::string, std::vector<std::string>>;

Result<TagsByName> read_tags(Database& database, std::string_view sql) {
  TagsByName tags;
  LEVERET_CHECK(for_each_row(
      database, sql, [&](const Statement& row) { tags[text(row, 0)].push_back(text(row, 1)); }));
  return tags;
}

using LimitsByName = std::map<std::string, LimitsRecord>;

Result<LimitsByName> read_limits(Database& database, std::string_view sql) {
  LimitsByName limits;
  LEVERET_CHECK(for_each_row(database, sql, [&](const Statement& row) {
    limits[text(row, 0)][text(row, 1)] = row.number(2);
  }));
  return limits;
}

Result<void> read_vhosts(Database& database, Snapshot& snapshot) {
  LEVERET_TRY(TagsByName tags,
              read_tags(database, "SELECT vhost, tag FROM vhost_tags ORDER BY vhost, position"));
  LEVERET_TRY(LimitsByName limits,
              read_limits(database, "SELECT vhost, name, value FROM vhost_limits"));
  return for_each_row(database,
                      "SELECT name, description, default_queue_type FROM vhosts ORDER BY name",
                      [&](const Statement& row) {
                        VhostRecord vhost{.name = text(row, 0), .description = text(row, 1)};
                        vhost.default_queue_type = text(row, 2);
                        if (const auto found = tags.find(vhost.name); found != tags.end()) {
                          vhost.tags = std::move(found->second);
                        }
                        vhost.limits = std::move(limits[vhost.name]);
                        snapshot.vhosts.push_back(std::move(vhost));
                      });
}

Result<void> read_users(Database& database, Snapshot& snapshot) {
  LEVERET_TRY(TagsByName tags,
              read_tags(database, "SELECT user, tag FROM user_tags ORDER BY user, position"));
  LEVERET_TRY(LimitsByName limits,
              read_limits(database, "SELECT user, name, value FROM user_limits"));
  return for_each_row(database,
                      "SELECT name, password_hash, hashing_algorithm FROM users ORDER BY name",
                      [&](const Statement& row) {
                        UserRecord user{.name = text(row, 0), .password_hash = text(row, 1)};
                        user.hashing_algorithm = text(row, 2);
                        if (const auto found = tags.find(user.name); found != tags.end()) {
                          user.tags = std::move(found->second);
                        }
                        user.limits = std::move(limits[user.name]);
                        snapshot.users.push_back(std::move(user));
                      });
}

Result<void> read_permissions(Database& database, Snapshot& snapshot) {
  return for_each_row(
      database, "SELECT user, vhost, configure, write, read FROM permissions ORDER BY vhost, user",
      [&](const Statement& row) {
        snapshot.permissions.push_back(
            {text(row, 0), text(row, 1), text(row, 2), text(row, 3), text(row, 4)});
      });
}

Result<void> read_exchanges(Database& database, Snapshot& snapshot) {
  return for_each_row(
      database,
      "SELECT vhost, name, type, auto_delete, internal, arguments, held_back_number, "
      "held_back_journal FROM exchanges ORDER BY vhost, name",
      [&](const Statement& row) {
        snapshot.exchanges.push_back(
            {.vhost = text(row, 0),
             .name = text(row, 1),
             .type = text(row, 2),
             .auto_delete = row.number(3) != 0,
             .internal = row.number(4) != 0,
             .arguments = text(row, 5),
             .held_back_number = static_cast<std::uint64_t>(row.number(6)),
             .held_back_journal = static_cast<std::uint16_t>(row.number(7))});
      });
}

Result<void> read_queues(Database& database, Snapshot& snapshot) {
  return for_each_row(
      database,
      "SELECT vhost, name, auto_delete, arguments, type, number, journal FROM queues "
      "ORDER BY vhost, name",
      [&](const Statement& row) {
        snapshot.queues.push_back({.vhost = text(row, 0),
                                   .name = text(row, 1),
                                   .auto_delete = row.number(2) != 0,
                                   .arguments = text(row, 3),
                                   .type = text(row, 4),
                                   .number = static_cast<std::uint64_t>(row.number(5)),
                                   .journal = static_cast<std::uint16_t>(row.number(6))});
      });
}

Result<void> read_bindings(Database& database, Snapshot& snapshot) {
  return for_each_row(
      database,
      "SELECT vhost, source, destination, destination_is_queue, routing_key, arguments "
      "FROM bindings ORDER BY vhost, source, destination, destination_is_queue, routing_key, "
      "arguments",
      [&](const Statement& row) {
        snapshot.bindings.push_back({.vhost = text(row, 0),
                                     .source = text(row, 1),
                                     .destination = text(row, 2),
                                     .destination_is_queue = row.number(3) != 0,
                                     .routing_key = text(row, 4),
                                     .arguments = text(row, 5)});
      });
}

Result<void> read_policies(Database& database, Snapshot& snapshot) {
  return for_each_row(database,
                      "SELECT vhost, name, pattern, apply_to, definition, priority, is_operator "
                      "FROM policies ORDER BY vhost, is_operator, name",
                      [&](const Statement& row) {
                        snapshot.policies.push_back({.vhost = text(row, 0),
                                                     .name = text(row, 1),
                                                     .pattern = text(row, 2),
                                                     .apply_to = text(row, 3),
                                                     .definition = text(row, 4),
                                                     .priority = row.number(5),
                                                     .is_operator = row.number(6) != 0});
                      });
}

}  // namespace

Result<Snapshot> read_snapshot(Database& database) {
  Snapshot snapshot;
  LEVERET_CHECK(read_vhosts(database, snapshot));
  LEVERET_CHECK(read_users(database, snapshot));
  LEVERET_CHECK(read_permissions(database, snapshot));
  LEVERET_CHECK(read_exchanges(database, snapshot));
  LEVERET_CHECK(read_queues(database, snapshot));
  LEVERET_CHECK(read_bindings(database, snapshot));
  LEVERET_CHECK(read_policies(database, snapshot));
  LEVERET_TRY(const std::int64_t reserved, database.ask("SELECT reserved FROM queue_numbers"));
  snapshot.queue_numbers_reserved = static_cast<std::uint64_t>(reserved);
  return snapshot;
}

}  // namespace leveret
