// SPDX-License-Identifier: Apache-2.0
//
// Records: what is kept of each thing that was declared. Only durable things are here, so no record
// says "durable". Names hold any bytes. Arguments are an encoded field table that nobody here
// reads.
//
// Thread: values.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leveret {

/// How many there may be of what, by RabbitMQ's names ("max-connections"). Below zero: any number.
using LimitsRecord = std::map<std::string, std::int64_t>;

struct VhostRecord {
  std::string name;
  std::string description;
  std::vector<std::string> tags;
  std::string default_queue_type;  ///< Empty: the node's default.
  LimitsRecord limits;             ///< max-connections, max-queues.

  friend bool operator==(const VhostRecord&, const VhostRecord&) = default;
};

struct UserRecord {
  std::string name;
  std::string password_hash;      ///< Base64, as RabbitMQ exports it. Empty: cannot log in by it.
  std::string hashing_algorithm;  ///< "rabbit_password_hashing_sha256" and its like.
  std::vector<std::string> tags;
  LimitsRecord limits;  ///< max-connections, max-channels.

  friend bool operator==(const UserRecord&, const UserRecord&) = default;
};

/// What one user may do in one vhost: three regular expressions over names of things.
struct PermissionRecord {
  std::string user;
  std::string vhost;
  std::string configure;
  std::string write;
  std::string read;

  friend bool operator==(const PermissionRecord&, const PermissionRecord&) = default;
};

struct ExchangeRecord {
  std::string vhost;
  std::string name;
  std::string type;
  bool auto_delete = false;
  bool internal = false;
  std::string arguments;
  /// Of what it holds back, as a queue's number and journal; 0: it holds nothing back.
  std::uint64_t held_back_number = 0;
  std::uint16_t held_back_journal = 0;

  friend bool operator==(const ExchangeRecord&, const ExchangeRecord&) = default;
};

struct QueueRecord {
  std::string vhost;
  std::string name;
  bool auto_delete = false;
  std::string arguments;
  std::string type = "classic";
  /// The queue as journals of messages name it: from 1, below 2^63, never given to another queue.
  std::uint64_t number = 0;
  std::uint16_t journal = 0;  ///< Index of the journal that holds its messages.

  friend bool operator==(const QueueRecord&, const QueueRecord&) = default;
};

/// Two bindings are the same binding when every field is.
struct BindingRecord {
  std::string vhost;
  std::string source;
  std::string destination;
  bool destination_is_queue = true;
  std::string routing_key;
  std::string arguments;

  friend bool operator==(const BindingRecord&, const BindingRecord&) = default;
};

/// What is to hold for all queues or exchanges whose names match.
struct PolicyRecord {
  std::string vhost;
  std::string name;
  std::string pattern;
  std::string apply_to;    ///< "queues", "exchanges" or "all".
  std::string definition;  ///< An encoded field table that nobody here reads.
  std::int64_t priority = 0;
  /// An operator's, which limits what the others may say. Has its own names.
  bool is_operator = false;

  friend bool operator==(const PolicyRecord&, const PolicyRecord&) = default;
};

/// Everything there is, each kind ordered by its name.
struct Snapshot {
  std::vector<VhostRecord> vhosts;
  std::vector<UserRecord> users;
  std::vector<PermissionRecord> permissions;
  std::vector<ExchangeRecord> exchanges;
  std::vector<QueueRecord> queues;
  std::vector<BindingRecord> bindings;
  std::vector<PolicyRecord> policies;
  /// Numbers up to this one may be those of queues that were, and of records about them in
  /// journals; a new queue's is greater.
  std::uint64_t queue_numbers_reserved = 0;

  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

}  // namespace leveret
