#include "linux/capture/run_iterator.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/unique_fd.hh"

namespace systems_manager {

// The program does its work while its output, which is empty, is read.
void RunIterator(const bpf_link* link, const char* what) {
  const UniqueFd output(bpf_iter_create(bpf_link__fd(link)));
  if (!output.valid()) throw std::system_error(errno, std::generic_category(), what);
  char nothing[64];
  ssize_t bytes = 0;
  do {
    bytes = read(output.get(), nothing, sizeof(nothing));
  } while (bytes > 0 || (bytes < 0 && (errno == EINTR || errno == EAGAIN)));
  if (bytes < 0) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace systems_manager
