// Which processes hold which sockets.
#pragma once

#include "common/record_buffer.hh"

namespace systems_manager {

// Any thread. SocketRecords in the order of pid and descriptor. Throws std::system_error.
RecordBuffer SnapshotSocketHolders();

}  // namespace systems_manager
