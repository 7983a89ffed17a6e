// What the programs of network events need beyond being attached: a cgroup, and the sockets that are there already.
#pragma once

struct capture;

namespace systems_manager {

// After the programs were attached. The links are the object's. Throws std::system_error.
void AttachNetworkPrograms(struct capture* object);

}  // namespace systems_manager
