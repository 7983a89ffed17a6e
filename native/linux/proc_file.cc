#include "linux/proc_file.hh"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace systems_manager {
namespace {

// One read, again when a signal came in between. A short one is the end: the files read here fill a buffer as long as
// they have something, so that no further call is spent on asking. -1 with errno on failure.
ssize_t ReadOnce(int fd, char* buffer, size_t capacity) {
  ssize_t count;
  do {
    count = read(fd, buffer, capacity);
  } while (count < 0 && errno == EINTR);
  return count;
}

// Counts what is left of a file.
ssize_t CountRest(int fd) {
  std::array<char, 16 * 1024> scratch;
  ssize_t total = 0;
  for (;;) {
    const ssize_t count = ReadOnce(fd, scratch.data(), scratch.size());
    if (count < 0) return -1;
    total += count;
    if (static_cast<size_t>(count) < scratch.size()) return total;
  }
}

// What getdents64(2) writes; libc has a name for it only behind readdir, which costs three more calls a directory.
struct KernelEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

// Appends the entries of one filled buffer whose names are numbers.
void ParseEntries(const char* buffer, size_t length, std::vector<uint32_t>& numbers) {
  for (size_t at = 0; at < length;) {
    const auto* entry = reinterpret_cast<const KernelEntry*>(buffer + at);
    const char* const end = entry->name + std::strlen(entry->name);
    uint32_t number = 0;
    const auto [parsed, error] = std::from_chars(entry->name, end, number);
    if (error == std::errc() && parsed == end) numbers.push_back(number);
    at += entry->size;
  }
}

}  // namespace

Access AccessFromErrno(int error, std::string_view what) {
  if (error == ENOENT || error == ESRCH) return Access::kVanished;
  if (error == EACCES || error == EPERM) return Access::kDenied;
  throw std::system_error(error, std::generic_category(), "cannot read " + std::string(what));
}

UniqueFd OpenProc() {
  UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc.valid()) throw std::system_error(errno, std::generic_category(), "cannot open /proc");
  return proc;
}

Access ListNumbers(int directory, std::vector<uint32_t>& numbers) {
  numbers.clear();
  alignas(KernelEntry) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (length < 0) return AccessFromErrno(errno, "a directory of /proc");
    if (length == 0) break;
    ParseEntries(buffer.data(), static_cast<size_t>(length), numbers);
  }
  std::sort(numbers.begin(), numbers.end());
  return Access::kOk;
}

Access ReadFile(int directory, const char* name, char* buffer, size_t capacity, size_t& length, uint64_t& cut) {
  const UniqueFd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return AccessFromErrno(errno, name);
  const ssize_t kept = ReadOnce(file.get(), buffer, capacity);
  if (kept < 0) return AccessFromErrno(errno, name);
  length = static_cast<size_t>(kept);
  cut = 0;
  if (length < capacity) return Access::kOk;
  const ssize_t rest = CountRest(file.get());
  if (rest < 0) return AccessFromErrno(errno, name);
  cut = static_cast<uint64_t>(rest);
  return Access::kOk;
}

}  // namespace systems_manager
