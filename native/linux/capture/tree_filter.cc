#include "linux/capture/tree_filter.hh"

#include <bpf/libbpf.h>

#include <cerrno>
#include <system_error>

#include "linux/bpf/session_layout.h"
#include "linux/read_iterator.hh"
// It needs the types of the session.
#include "capture.skel.h"

namespace systems_manager {
namespace {

bpf_link* Attach(bpf_program* program) {
  auto* link = bpf_program__attach(program);
  if (!link) throw std::system_error(errno, std::generic_category(), "attach the programs of process trees");
  return link;
}

}  // namespace

void AttachTrees(struct capture* object) {
  object->links.inherit_tree = Attach(object->progs.inherit_tree);
  object->links.leave_tree = Attach(object->progs.leave_tree);
  object->links.tag_trees = Attach(object->progs.tag_trees);
}

void TagTrees(struct capture* object, uint32_t generation) {
  auto* state = object->bss;
  const volatile auto& tagged = state->tagged_processes;
  const volatile auto& untagged = state->untagged_processes;
  const uint64_t untagged_before = untagged;
  const uint64_t tagged_before = tagged;
  state->next_generation = generation;
  for (uint64_t before = tagged;; before = tagged) {
    ReadIterator(bpf_link__fd(object->links.tag_trees), "look at processes");
    if (untagged != untagged_before)
      throw std::system_error(ENOSPC, std::generic_category(), "tag the processes of the trees");
    if (tagged == before) break;
  }
  if (tagged == tagged_before)
    throw std::system_error(ESRCH, std::generic_category(), "tag the roots of the trees, none of which runs");
}

}  // namespace systems_manager
