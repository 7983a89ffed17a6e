#include "linux/socket_holders.hh"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/proc_file.hh"

namespace systems_manager {
namespace {

// The inode in "socket:[123]"; empty for any other target.
std::optional<uint64_t> ParseSocketTarget(std::string_view target) {
  constexpr std::string_view prefix = "socket:[";
  if (target.substr(0, prefix.size()) != prefix || target.back() != ']') return std::nullopt;
  uint64_t inode = 0;
  std::from_chars(target.data() + prefix.size(), target.data() + target.size() - 1, inode);
  return inode;
}

// One descriptor's socket, if it is one. A descriptor that was closed meanwhile is none.
Access ReadSocket(int directory, uint32_t fd, std::optional<uint64_t>& inode) {
  // A socket's target is shorter than this; a longer one is cut and is none.
  std::array<char, 64> target;
  std::array<char, 16> name{};
  std::to_chars(name.data(), name.data() + name.size() - 1, fd);
  const ssize_t length = readlinkat(directory, name.data(), target.data(), target.size());
  inode = length > 0 ? ParseSocketTarget({target.data(), static_cast<size_t>(length)}) : std::nullopt;
  if (length >= 0) return Access::kOk;
  const Access access = AccessFromErrno(errno, "a descriptor");
  return access == Access::kVanished ? Access::kOk : access;
}

Access ReadDescriptors(int proc, const std::string& pid_name, uint32_t pid, std::vector<uint32_t>& descriptors,
                       RecordBuffer& records) {
  const UniqueFd directory(openat(proc, (pid_name + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return AccessFromErrno(errno, pid_name);
  Access access = ListNumbers(directory.get(), descriptors);
  for (size_t index = 0; access == Access::kOk && index < descriptors.size(); index++) {
    std::optional<uint64_t> inode;
    access = ReadSocket(directory.get(), descriptors[index], inode);
    if (inode) records.AppendRecord(SocketRecord{*inode, pid, descriptors[index]});
  }
  return access;
}

// The kernel says "permission denied", too, for the descriptor of a process that has just ended.
bool IsUnseen(int proc, const std::string& pid_name, Access access) {
  return access == Access::kDenied && faccessat(proc, pid_name.c_str(), F_OK, 0) == 0;
}

}  // namespace

RecordBuffer SnapshotSocketHolders(std::optional<std::vector<uint32_t>> pids) {
  const UniqueFd proc = OpenProc();
  if (!pids) ListNumbers(proc.get(), pids.emplace());
  std::vector<uint32_t> descriptors;
  RecordBuffer records;
  for (const uint32_t pid : *pids) {
    const auto name = std::to_string(pid);
    const Access access = ReadDescriptors(proc.get(), name, pid, descriptors, records);
    if (IsUnseen(proc.get(), name, access)) records.CountUnseen();
  }
  return records;
}

}  // namespace systems_manager
