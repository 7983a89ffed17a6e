#include "linux/capture/network_programs.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "linux/bpf/session_layout.h"
#include "linux/capture/cgroup_root.hh"
// It needs the types of the session.
#include "capture.skel.h"

namespace systems_manager {
namespace {

bpf_link* AttachToCgroup(bpf_program* program, const CgroupRoot& root) {
  auto* link = bpf_program__attach_cgroup(program, root.descriptor());
  if (!link) throw std::system_error(errno, std::generic_category(), "attach to the root of the cgroups");
  return link;
}

// The program does its work while its output, which is empty, is read.
void RunIterator(const bpf_link* link) {
  const int descriptor = bpf_iter_create(bpf_link__fd(link));
  if (descriptor < 0) throw std::system_error(-descriptor, std::generic_category(), "begin to look at open sockets");
  char nothing[64];
  ssize_t bytes = 0;
  do {
    bytes = read(descriptor, nothing, sizeof(nothing));
  } while (bytes > 0 || (bytes < 0 && (errno == EINTR || errno == EAGAIN)));
  const int error = bytes < 0 ? errno : 0;
  close(descriptor);
  if (error != 0) throw std::system_error(error, std::generic_category(), "look at open sockets");
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
  if (links.keep_present_owners) RunIterator(links.keep_present_owners);
}

}  // namespace systems_manager
