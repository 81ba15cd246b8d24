// SPDX-License-Identifier: Apache-2.0
//
// Failure: why a call, a channel or a connection came to nothing. Inside the library it is a value,
// kept and handed on; each face makes of it what its users expect: an exception of the public tree,
// or an error code.
//
// Thread: values.

#pragma once

#include <cstdint>
#include <string>

namespace leveret::client {

enum class FailureKind : std::uint8_t {
  // The connection's.
  connect_failed,           ///< Nobody answered, or not in time.
  open_aborted,             ///< Closed by us before it was open.
  stream_lost,              ///< The socket ended; `text` says how.
  incompatible_protocol,    ///< The peer speaks another protocol, or ended when it saw ours.
  no_mechanism,             ///< The broker offers no login that our credentials can do.
  probable_authentication,  ///< Ended while logging in.
  probable_access_denied,   ///< Ended while the virtual host was opened.
  closed_by_broker,         ///< connection.close came.
  closed_by_client,         ///< We said connection.close.
  heartbeat_timeout,
  blocked_timeout,
  protocol_error,  ///< What the peer sent makes no sense.
  no_free_channel,
  wrong_state,
  // A channel's.
  channel_closed_by_broker,
  channel_closed_by_client,
  channel_wrong_state,
  frame_too_large,  ///< The method's arguments do not fit in a frame. Nothing was sent.
};

struct Failure {
  FailureKind kind = FailureKind::stream_lost;
  std::uint16_t reply_code = 0;  ///< Of a close; else 0.
  std::string text;

  friend bool operator==(const Failure&, const Failure&) = default;
};

}  // namespace leveret::client
