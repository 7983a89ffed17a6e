// Names of system calls by number, those of the machine that this is built for.
#pragma once

#include <cstdint>
#include <string>

namespace systems_manager {

// "openat"; "system call 1024" for one that is newer than the headers of the build.
std::string SystemCallName(uint64_t number);

}  // namespace systems_manager
