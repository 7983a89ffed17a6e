// Programs of the kernel that look at all there is of something, once.
#pragma once

#include <string>

namespace systems_manager {

// Returns what the program wrote when it has seen everything; it works while that is read. `what` it does is for the
// message of the std::system_error that it throws.
std::string ReadIterator(int link, const char* what);

}  // namespace systems_manager
