// SPDX-License-Identifier: Apache-2.0
//
// Change: one step from what is declared to what will be. Putting what is there replaces it,
// deleting what is not there does nothing: a change says how things are to be, not how they were,
// so that making one twice is making it once.
//
// Thread: values.

#pragma once

#include "metadata/records.h"

#include <cstdint>
#include <string>
#include <variant>

namespace leveret {

struct PutVhost {
  VhostRecord vhost;
};
/// Takes everything in the vhost with it: permissions, exchanges, queues, bindings, policies.
struct DeleteVhost {
  std::string name;
};

struct PutUser {
  UserRecord user;
};
/// Takes the user's permissions with it.
struct DeleteUser {
  std::string name;
};

struct PutPermission {
  PermissionRecord permission;
};
struct DeletePermission {
  std::string user;
  std::string vhost;
};

struct PutExchange {
  ExchangeRecord exchange;
};
/// Leaves its bindings; who deletes an exchange or a queue names each binding that goes with it.
struct DeleteExchange {
  std::string vhost;
  std::string name;
};

struct PutQueue {
  QueueRecord queue;
};
/// Leaves its bindings.
struct DeleteQueue {
  std::string vhost;
  std::string name;
};

/// Keeps every number up to `up_to` from being given to a queue after the next start. Never lowers
/// what was reserved before.
struct ReserveQueueNumbers {
  std::uint64_t up_to = 0;
};

struct PutBinding {
  BindingRecord binding;
};
struct DeleteBinding {
  BindingRecord binding;
};

struct PutPolicy {
  PolicyRecord policy;
};
struct DeletePolicy {
  std::string vhost;
  std::string name;
  bool is_operator = false;
};

using Change =
    std::variant<PutVhost, DeleteVhost, PutUser, DeleteUser, PutPermission, DeletePermission,
                 PutExchange, DeleteExchange, PutQueue, DeleteQueue, ReserveQueueNumbers,
                 PutBinding, DeleteBinding, PutPolicy, DeletePolicy>;

}  // namespace leveret
