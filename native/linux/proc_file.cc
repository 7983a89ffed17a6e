#include "linux/proc_file.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace systems_manager {
namespace {

// Reads until the buffer is full or the file ends. -1 with errno on failure.
ssize_t Fill(int fd, char* buffer, size_t capacity) {
  size_t filled = 0;
  while (filled < capacity) {
    const ssize_t count = read(fd, buffer + filled, capacity - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(filled);
}

// Counts what is left of a file.
ssize_t CountRest(int fd) {
  std::array<char, 16 * 1024> scratch;
  ssize_t total = 0;
  for (;;) {
    const ssize_t count = Fill(fd, scratch.data(), scratch.size());
    if (count < 0) return -1;
    total += count;
    if (static_cast<size_t>(count) < scratch.size()) return total;
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

Access ListNumbers(UniqueFd directory, std::vector<uint32_t>& numbers) {
  numbers.clear();
  UniqueDirectory stream(fdopendir(directory.get()));
  if (!stream) return AccessFromErrno(errno, "a directory of /proc");
  directory.release();
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    uint32_t number = 0;
    const auto [parsed, error] = std::from_chars(entry->d_name, end, number);
    if (error == std::errc() && parsed == end) numbers.push_back(number);
  }
  if (errno != 0) return AccessFromErrno(errno, "a directory of /proc");
  std::sort(numbers.begin(), numbers.end());
  return Access::kOk;
}

Access ReadFile(int directory, const char* name, char* buffer, size_t capacity, size_t& length, uint64_t& cut) {
  const UniqueFd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return AccessFromErrno(errno, name);
  const ssize_t kept = Fill(file.get(), buffer, capacity);
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
