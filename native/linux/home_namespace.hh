// The pid namespace that this process is in: which processes are of this host.
#pragma once

#include <cstdint>

namespace systems_manager {

// Its inode; 0 for that of the machine itself. Throws std::system_error when /proc does not tell.
uint32_t FindHomeNamespace();

}  // namespace systems_manager
