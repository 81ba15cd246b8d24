// SPDX-License-Identifier: Apache-2.0
//
// Names of connections, channels and queues in the form of Erlang's names of processes, which
// people copy from one command into the next. No other has the same while the broker runs.
//
// Thread: pure functions.

#pragma once

#include "message/ids.h"

#include <string>
#include <string_view>

namespace leveret {

[[nodiscard]] std::string pid_text(std::string_view node, ConnectionId id);
[[nodiscard]] std::string pid_text(std::string_view node, ChannelId id);
[[nodiscard]] std::string pid_text(std::string_view node, QueueId id);

}  // namespace leveret
