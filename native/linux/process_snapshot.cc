#include "linux/process_snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "linux/proc_file.h"
#include "linux/stat_line.h"

namespace systems_manager {
namespace {

// PF_KTHREAD of include/linux/sched.h: such a process has no command line.
constexpr uint64_t kKernelThread = 0x00200000;

// Buffers of one walk, used again for each process.
struct Scratch {
  // A stat line has 52 numbers and a name of at most 63 bytes.
  std::array<char, 2048> stat;
  std::array<char, kMaxCommandLineBytes> command_line;
};

void AppendProcess(RecordBuffer& records, const StatLine& stat, uint32_t pid, uint32_t user_id,
                   std::string_view command_line, uint64_t cut_bytes) {
  static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  ProcessRecord record{};
  record.size =
      static_cast<uint32_t>(RecordBuffer::PaddedToWord(sizeof(record) + stat.name.size() + command_line.size()));
  record.pid = pid;
  record.parent_pid = stat.parent_pid;
  record.user_id = user_id;
  record.state = static_cast<unsigned char>(stat.state);
  record.thread_count = stat.thread_count;
  record.command_line_bytes = static_cast<uint32_t>(command_line.size());
  record.name_bytes = static_cast<uint32_t>(stat.name.size());
  record.user_ticks = stat.user_ticks;
  record.system_ticks = stat.system_ticks;
  record.start_ticks = stat.start_ticks;
  record.resident_bytes = stat.resident_pages * page_bytes;
  record.cut_bytes = cut_bytes;
  records.AppendRecord(record);
  records.AppendBytes(stat.name);
  records.AppendBytes(command_line);
  records.PadToWord();
}

// All reads go through one descriptor of the process's directory, so that they cannot mix two processes that had one
// pid in turn.
Access ReadProcess(int proc, uint32_t pid, Scratch& scratch, RecordBuffer& records) {
  const auto name = std::to_string(pid);
  const UniqueFd directory(openat(proc, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return AccessFromErrno(errno, name);
  struct stat owner;
  if (fstat(directory.get(), &owner) != 0) return AccessFromErrno(errno, name);

  size_t stat_bytes = 0;
  uint64_t cut_bytes = 0;
  Access access = ReadFile(directory.get(), "stat", scratch.stat.data(), scratch.stat.size(), stat_bytes, cut_bytes);
  if (access != Access::kOk) return access;
  const auto stat = ParseStatLine({scratch.stat.data(), stat_bytes});
  if (!stat) return Access::kVanished;

  size_t command_line_bytes = 0;
  if ((stat->flags & kKernelThread) == 0) {
    access = ReadFile(directory.get(), "cmdline", scratch.command_line.data(), scratch.command_line.size(),
                      command_line_bytes, cut_bytes);
    if (access != Access::kOk) return access;
  }
  AppendProcess(records, *stat, pid, owner.st_uid, {scratch.command_line.data(), command_line_bytes}, cut_bytes);
  return Access::kOk;
}

std::vector<uint32_t> ListProcesses() {
  std::vector<uint32_t> pids;
  ListNumbers(OpenProc(), pids);
  return pids;
}

}  // namespace

RecordBuffer SnapshotProcesses(std::optional<std::vector<uint32_t>> pids) {
  if (!pids) pids = ListProcesses();
  std::sort(pids->begin(), pids->end());
  pids->erase(std::unique(pids->begin(), pids->end()), pids->end());
  const UniqueFd proc = OpenProc();
  const auto scratch = std::make_unique<Scratch>();
  RecordBuffer records;
  for (const uint32_t pid : *pids) {
    if (ReadProcess(proc.get(), pid, *scratch, records) == Access::kDenied) records.CountUnseen();
  }
  return records;
}

}  // namespace systems_manager
