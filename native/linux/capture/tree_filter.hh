// Who is in the trees of a filter: the programs that pass membership on, and the walk that begins with it.
#pragma once

#include <cstdint>

struct capture;

namespace systems_manager {

// Attaches the programs that tag children and forget the dead. The links are the object's. Throws std::system_error.
void AttachTrees(struct capture* object);

// Tags the roots that the filter's values of this generation name, and all that is below them. Throws
// std::system_error: ENOSPC when there is no room for all of them, ESRCH when no root runs.
void TagTrees(struct capture* object, uint32_t generation);

}  // namespace systems_manager
