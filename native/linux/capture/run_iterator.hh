// Programs that look at all there is of something, once.
#pragma once

struct bpf_link;

namespace systems_manager {

// Returns when the program has seen everything. `what` it does is for the message of the std::system_error that it
// throws.
void RunIterator(const bpf_link* link, const char* what);

}  // namespace systems_manager
