// SPDX-License-Identifier: Apache-2.0
//
// The resources of the API; each in the file of its name, which lists its paths at its head.
//
// Thread: handlers run on worker 0.

#pragma once

#include "mgmt/router.h"

#include <span>

namespace leveret {

[[nodiscard]] std::span<const Route> overview_routes();
[[nodiscard]] std::span<const Route> node_routes();
[[nodiscard]] std::span<const Route> vhost_routes();
[[nodiscard]] std::span<const Route> user_routes();
[[nodiscard]] std::span<const Route> permission_routes();
[[nodiscard]] std::span<const Route> exchange_routes();
[[nodiscard]] std::span<const Route> queue_routes();
[[nodiscard]] std::span<const Route> binding_routes();
[[nodiscard]] std::span<const Route> connection_routes();
[[nodiscard]] std::span<const Route> channel_routes();
[[nodiscard]] std::span<const Route> consumer_routes();
[[nodiscard]] std::span<const Route> policy_routes();
[[nodiscard]] std::span<const Route> limit_routes();
[[nodiscard]] std::span<const Route> alarm_routes();
[[nodiscard]] std::span<const Route> journal_routes();
[[nodiscard]] std::span<const Route> delayed_routes();
[[nodiscard]] std::span<const Route> leveret_routes();
/// Not of the API: they have a server of their own.
[[nodiscard]] std::span<const Route> metrics_routes();

}  // namespace leveret
