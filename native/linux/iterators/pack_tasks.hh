// What the iterators wrote, in the records that JavaScript gets from every backend.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/record_buffer.hh"

namespace systems_manager {

// ProcessRecords in the order of their pids, of these (ascending) or of all with those that are hidden. What an
// iterator cannot tell (the names of the kernel's workers, very long command lines, processes that it is not shown) is
// read from /proc.
RecordBuffer PackTasks(std::string_view written, const std::optional<std::vector<uint32_t>>& pids,
                       const std::vector<uint32_t>& hidden = {});

// InetSocketRecords in the kernel's order.
RecordBuffer PackInetSockets(std::string_view written);

// Takes out the processes that hold too many sockets to be told at once, and returns them.
std::vector<uint32_t> TakeOutCutProcesses(std::string& written);

// SocketRecords in the order of pid and descriptor, with those of the processes that the iterator is not shown.
RecordBuffer PackSockets(std::string_view written, const std::vector<uint32_t>& hidden);

}  // namespace systems_manager
