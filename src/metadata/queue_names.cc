// SPDX-License-Identifier: Apache-2.0
#include "metadata/queue_names.h"

#include "metadata/database.h"
#include "metadata/schema.h"

#include <utility>

namespace leveret {

Result<std::unordered_map<std::uint64_t, QueueName>> read_queue_names(
    const std::filesystem::path& file) {
  LEVERET_TRY(const auto database, Database::open_unlocked(file));
  LEVERET_TRY(const std::int64_t owner, database->ask("PRAGMA application_id"));
  LEVERET_TRY(const std::int64_t version, database->ask("PRAGMA user_version"));
  if (owner != metadata_application_id || version != metadata_version) {
    return failure("metadata " + database->path() + ": not of this version");
  }
  LEVERET_TRY(Statement statement,
              database->prepare("SELECT number, vhost, name, 0 FROM queues UNION ALL "
                                "SELECT held_back_number, vhost, name, 1 "
                                "FROM exchanges WHERE held_back_number != 0"));
  std::unordered_map<std::uint64_t, QueueName> names;
  for (;;) {
    LEVERET_TRY(const bool has_row, statement.next_row());
    if (!has_row) return names;
    names[static_cast<std::uint64_t>(statement.number(0))] = {
        .vhost = std::string(statement.bytes(1)),
        .name = std::string(statement.bytes(2)),
        .is_held_back = statement.number(3) != 0};
  }
}

}  // namespace leveret
