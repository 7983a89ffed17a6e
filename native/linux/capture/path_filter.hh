// The paths of a filter as its programs look them up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systems_manager {

// Into a longest-prefix map. Throws std::system_error, for a path that is too long or not absolute, too.
void WritePaths(int map, const std::vector<std::string>& paths, uint32_t generation);

}  // namespace systems_manager
