#include "linux/capture/tree_filter.hh"

#include <bpf/libbpf.h>

#include <cerrno>
#include <system_error>

#include "linux/read_iterator.hh"

namespace systems_manager {
namespace {

void Attach(const LinkedProgram& of) {
  *of.link = bpf_program__attach(of.program);
  if (!*of.link) throw std::system_error(errno, std::generic_category(), "attach the programs of process trees");
}

}  // namespace

void AttachTrees(const TreeParts& trees) {
  Attach(trees.inherit);
  Attach(trees.leave);
  Attach(trees.tag);
}

void TagTrees(const TreeParts& trees, uint32_t generation) {
  const auto& tagged = *trees.tagged;
  const auto& untagged = *trees.untagged;
  const uint64_t untagged_before = untagged;
  const uint64_t tagged_before = tagged;
  *trees.next_generation = generation;
  for (uint64_t before = tagged;; before = tagged) {
    ReadIterator(bpf_link__fd(*trees.tag.link), "look at processes");
    if (untagged != untagged_before)
      throw std::system_error(ENOSPC, std::generic_category(), "tag the processes of the trees");
    if (tagged == before) break;
  }
  if (tagged == tagged_before)
    throw std::system_error(ESRCH, std::generic_category(), "tag the roots of the trees, none of which runs");
}

}  // namespace systems_manager
