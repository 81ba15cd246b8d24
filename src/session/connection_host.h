// SPDX-License-Identifier: Apache-2.0
//
// ConnectionHost: what a Connection needs from whoever joins it to a transport. The server's driver
// implements it over a socket; a test implements it over two byte strings.
//
// Thread: the connection's worker.

#pragma once

#include "base/clock.h"

namespace leveret {

class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;

  /// Something was said: end_turn() and then write what waits, before the loop turn ends.
  virtual void wants_turn() = 0;
  /// Bytes that on_bytes() left may be shown again. Comes from outside on_bytes() or from inside
  /// it; in that case showing them again must wait for its return.
  virtual void input_resumed() = 0;
  /// Calls on_timer() at `deadline`, instead of any earlier request.
  virtual void set_timer(Time deadline) = 0;
  /// The talk is over: write what waits, then close the transport.
  virtual void close_transport() = 0;
  /// Close the transport now; what waits is lost.
  virtual void abandon_transport() = 0;
  /// The transport is gone and nothing is outstanding: the Connection may be destroyed, though not
  /// inside this call.
  virtual void is_finished() = 0;
};

}  // namespace leveret
