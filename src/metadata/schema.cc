// SPDX-License-Identifier: Apache-2.0
#include "metadata/schema.h"

#include <fmt/format.h>

namespace leveret {
namespace {

/// steps[v] leads from version v to v + 1; version 0 is the empty file.
constexpr const char* steps[metadata_version] = {
    R"sql(
CREATE TABLE vhosts (
  name               BLOB NOT NULL PRIMARY KEY,
  description        BLOB NOT NULL,
  default_queue_type BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE vhost_tags (
  vhost    BLOB    NOT NULL,
  position INTEGER NOT NULL,
  tag      BLOB    NOT NULL,
  PRIMARY KEY (vhost, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  name              BLOB NOT NULL PRIMARY KEY,
  password_hash     BLOB NOT NULL,
  hashing_algorithm BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE user_tags (
  user     BLOB    NOT NULL,
  position INTEGER NOT NULL,
  tag      BLOB    NOT NULL,
  PRIMARY KEY (user, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE permissions (
  vhost     BLOB NOT NULL,
  user      BLOB NOT NULL,
  configure BLOB NOT NULL,
  write     BLOB NOT NULL,
  read      BLOB NOT NULL,
  PRIMARY KEY (vhost, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE exchanges (
  vhost       BLOB    NOT NULL,
  name        BLOB    NOT NULL,
  type        BLOB    NOT NULL,
  auto_delete INTEGER NOT NULL,
  internal    INTEGER NOT NULL,
  arguments   BLOB    NOT NULL,
  PRIMARY KEY (vhost, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE queues (
  vhost       BLOB    NOT NULL,
  name        BLOB    NOT NULL,
  auto_delete INTEGER NOT NULL,
  arguments   BLOB    NOT NULL,
  home        INTEGER,
  type        BLOB    NOT NULL,
  PRIMARY KEY (vhost, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE bindings (
  vhost                BLOB    NOT NULL,
  source               BLOB    NOT NULL,
  destination          BLOB    NOT NULL,
  destination_is_queue INTEGER NOT NULL,
  routing_key          BLOB    NOT NULL,
  arguments            BLOB    NOT NULL,
  PRIMARY KEY (vhost, source, destination, destination_is_queue, routing_key, arguments)
) STRICT, WITHOUT ROWID;
)sql",

    // Queues get their numbers and the journals of their messages. The hint `home`, which nobody
    // obeyed, goes. No message was on disk before, so any journal is the right one.
    R"sql(
CREATE TABLE numbered_queues (
  vhost       BLOB    NOT NULL,
  name        BLOB    NOT NULL,
  auto_delete INTEGER NOT NULL,
  arguments   BLOB    NOT NULL,
  type        BLOB    NOT NULL,
  number      INTEGER NOT NULL,
  journal     INTEGER NOT NULL,
  PRIMARY KEY (vhost, name)
) STRICT, WITHOUT ROWID;
INSERT INTO numbered_queues
  SELECT vhost, name, auto_delete, arguments, type, row_number() OVER (ORDER BY vhost, name), 0
  FROM queues;
DROP TABLE queues;
ALTER TABLE numbered_queues RENAME TO queues;

CREATE TABLE queue_numbers (
  only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  reserved INTEGER NOT NULL
) STRICT;
INSERT INTO queue_numbers SELECT 1, count(*) FROM queues;
)sql",

    // Policies.
    R"sql(
CREATE TABLE policies (
  vhost      BLOB    NOT NULL,
  name       BLOB    NOT NULL,
  pattern    BLOB    NOT NULL,
  apply_to   BLOB    NOT NULL,
  definition BLOB    NOT NULL,
  priority   INTEGER NOT NULL,
  PRIMARY KEY (vhost, name)
) STRICT, WITHOUT ROWID;
)sql",

    // Operator policies beside the others; limits of vhosts and users.
    R"sql(
CREATE TABLE policies_of_both_kinds (
  vhost       BLOB    NOT NULL,
  is_operator INTEGER NOT NULL,
  name        BLOB    NOT NULL,
  pattern     BLOB    NOT NULL,
  apply_to    BLOB    NOT NULL,
  definition  BLOB    NOT NULL,
  priority    INTEGER NOT NULL,
  PRIMARY KEY (vhost, is_operator, name)
) STRICT, WITHOUT ROWID;
INSERT INTO policies_of_both_kinds
  SELECT vhost, 0, name, pattern, apply_to, definition, priority FROM policies;
DROP TABLE policies;
ALTER TABLE policies_of_both_kinds RENAME TO policies;

CREATE TABLE vhost_limits (
  vhost BLOB    NOT NULL,
  name  BLOB    NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (vhost, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE user_limits (
  user  BLOB    NOT NULL,
  name  BLOB    NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;
)sql",

    // What exchanges hold back has a number and a journal, as queues have.
    R"sql(
ALTER TABLE exchanges ADD COLUMN held_back_number  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchanges ADD COLUMN held_back_journal INTEGER NOT NULL DEFAULT 0;
)sql",
};

Result<void> take_steps(Database& database, std::int64_t from) {
  for (std::int64_t version = from; version < metadata_version; ++version) {
    LEVERET_CHECK(database.execute(steps[version]));
  }
  LEVERET_CHECK(database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                             metadata_application_id, metadata_version)
                                     .c_str()));
  return database.commit();
}

}  // namespace

Result<void> bring_up_to_date(Database& database) {
  LEVERET_TRY(const std::int64_t version, database.ask("PRAGMA user_version"));
  LEVERET_TRY(const std::int64_t owner, database.ask("PRAGMA application_id"));
  LEVERET_TRY(const std::int64_t things, database.ask("SELECT count(*) FROM sqlite_schema"));
  const bool is_empty = version == 0 && owner == 0 && things == 0;
  if (!is_empty && (owner != metadata_application_id || version < 1)) {
    return failure("metadata " + database.path() + ": an SQLite database, but not Leveret's");
  }
  if (version > metadata_version) {
    return failure(
        fmt::format("metadata {}: version {}, written by a newer Leveret; this one knows "
                    "versions up to {}",
                    database.path(), version, metadata_version));
  }
  if (version == metadata_version) return {};

  LEVERET_CHECK(database.begin());
  auto done = take_steps(database, version);
  if (!done) database.roll_back();
  return done;
}

}  // namespace leveret
