// Which processes hold which sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/record_buffer.hh"

namespace systems_manager {

// Any thread. SocketRecords in the order of pid and descriptor, of these processes (ascending) or of all. Throws
// std::system_error.
RecordBuffer SnapshotSocketHolders(std::optional<std::vector<uint32_t>> pids = std::nullopt);

}  // namespace systems_manager
