// All processes of this pid namespace, or some.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/record_buffer.hh"

namespace systems_manager {

// Any thread. ProcessRecords in the order of their pids; the pids that do not exist are left out. Throws
// std::system_error.
RecordBuffer SnapshotProcesses(std::optional<std::vector<uint32_t>> pids);

}  // namespace systems_manager
