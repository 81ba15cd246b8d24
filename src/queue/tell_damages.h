// SPDX-License-Identifier: Apache-2.0
//
// tell_damages: logs what of a store's messages could not be read, with file and offset.
//
// Thread: any.

#pragma once

#include "base/log.h"
#include "journal/segment_reader.h"

namespace leveret {

inline void tell_damages(const ReadData& data) {
  for (const Damage& damage : data.damages) {
    log(LogLevel::error, "queue", "message_damaged file={} offset={} bytes={}", damage.file,
        damage.offset, damage.bytes);
  }
}

}  // namespace leveret
