#include "linux/capture/network_programs.hh"

#include <bpf/libbpf.h>

#include <cerrno>
#include <system_error>

#include "linux/bpf/session_layout.h"
#include "linux/capture/cgroup_root.hh"
#include "linux/read_iterator.hh"
// It needs the types of the session.
#include "capture.skel.h"

namespace systems_manager {
namespace {

bpf_link* AttachToCgroup(bpf_program* program, const CgroupRoot& root) {
  auto* link = bpf_program__attach_cgroup(program, root.descriptor());
  if (!link) throw std::system_error(errno, std::generic_category(), "attach to the root of the cgroups");
  return link;
}

}  // namespace

void AttachNetworkPrograms(struct capture* object) {
  auto& programs = object->progs;
  auto& links = object->links;
  if (bpf_program__autoload(programs.on_datagram_sent)) {
    const CgroupRoot root;
    links.on_datagram_sent = AttachToCgroup(programs.on_datagram_sent, root);
    if (bpf_program__autoload(programs.on_datagram_received))
      links.on_datagram_received = AttachToCgroup(programs.on_datagram_received, root);
  }
  if (links.keep_present_owners) ReadIterator(bpf_link__fd(links.keep_present_owners), "look at open sockets");
}

}  // namespace systems_manager
