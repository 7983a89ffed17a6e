// Who is in the trees of a filter: the programs that pass membership on, and the walk that begins with it.
#pragma once

#include <linux/types.h>

#include <cstdint>

struct bpf_link;
struct bpf_program;

namespace systems_manager {

// A program of an object, and where the object has its link.
struct LinkedProgram {
  bpf_program* program;
  bpf_link** link;
};

// What an object that was loaded has for trees.
struct TreeParts {
  LinkedProgram inherit;
  LinkedProgram leave;
  LinkedProgram tag;
  volatile __u32* next_generation;
  volatile __u64* tagged;
  volatile __u64* untagged;
};

// Attaches the programs that tag children and forget the dead. Throws std::system_error.
void AttachTrees(const TreeParts& trees);

// Tags the roots that the filter's values of this generation name, and all that is below them. Throws
// std::system_error: ENOSPC when there is no room for all of them, ESRCH when no root runs.
void TagTrees(const TreeParts& trees, uint32_t generation);

}  // namespace systems_manager
