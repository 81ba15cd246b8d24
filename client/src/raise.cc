// SPDX-License-Identifier: Apache-2.0
#include "client/src/raise.h"

#include "leveret/exceptions.h"

#include <stdexcept>

namespace leveret::client {

void raise(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::connect_failed:
      throw AMQPConnectionError(failure.text);
    case FailureKind::open_aborted:
      throw ConnectionOpenAborted(failure.text);
    case FailureKind::stream_lost:
      throw StreamLostError(failure.text);
    case FailureKind::incompatible_protocol:
      throw IncompatibleProtocolError(failure.text);
    case FailureKind::no_mechanism:
      throw AuthenticationError(failure.text);
    case FailureKind::probable_authentication:
      throw ProbableAuthenticationError(failure.text);
    case FailureKind::probable_access_denied:
      throw ProbableAccessDeniedError(failure.text);
    case FailureKind::closed_by_broker:
      throw ConnectionClosedByBroker(failure.reply_code, failure.text);
    case FailureKind::closed_by_client:
      throw ConnectionClosedByClient(failure.reply_code, failure.text);
    case FailureKind::heartbeat_timeout:
      throw AMQPHeartbeatTimeout(failure.text);
    case FailureKind::blocked_timeout:
      throw ConnectionBlockedTimeout(failure.text);
    case FailureKind::protocol_error:
      throw UnexpectedFrameError(failure.text);
    case FailureKind::no_free_channel:
      throw NoFreeChannels(failure.text);
    case FailureKind::wrong_state:
      throw ConnectionWrongStateError(failure.text);
    case FailureKind::channel_closed_by_broker:
      throw ChannelClosedByBroker(failure.reply_code, failure.text);
    case FailureKind::channel_closed_by_client:
      throw ChannelClosedByClient(failure.reply_code, failure.text);
    case FailureKind::channel_wrong_state:
      throw ChannelWrongStateError(failure.text);
    case FailureKind::frame_too_large:
      throw InvalidFrameError(failure.text);
  }
  throw std::logic_error("a failure of no kind");
}

}  // namespace leveret::client
