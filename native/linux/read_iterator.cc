#include "linux/read_iterator.hh"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "common/unique_fd.hh"

namespace systems_manager {

std::string ReadIterator(int link, const char* what) {
  const UniqueFd output(bpf_iter_create(link));
  if (!output.valid()) throw std::system_error(errno, std::generic_category(), what);
  // The kernel hands over eight pages at most.
  std::vector<char> part(64 * 1024);
  std::string written;
  for (;;) {
    const ssize_t count = read(output.get(), part.data(), part.size());
    if (count == 0) return written;
    if (count > 0) {
      written.append(part.data(), static_cast<size_t>(count));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw std::system_error(errno, std::generic_category(), what);
    }
  }
}

}  // namespace systems_manager
