// Processes that the kernel does not show to iterators, and /proc shows all the same.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace systems_manager {

// Tasks that an iterator wrote.
uint64_t CountTasks(std::string_view written);

// The processes of /proc that are not among those written; ascending. Some may be younger than what was written.
std::vector<uint32_t> FindHidden(std::string_view written);

// What these processes have now, together. Throws std::system_error.
uint64_t CountThreads(const std::vector<uint32_t>& pids);

}  // namespace systems_manager
