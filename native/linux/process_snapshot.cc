#include "linux/process_snapshot.hh"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "linux/proc_file.hh"
#include "linux/stat_line.hh"

namespace systems_manager {
namespace {

// PF_KTHREAD of include/linux/sched.h: such a process has no command line.
constexpr uint64_t kKernelThread = 0x00200000;

// Buffers of one walk, used again for each process.
struct Scratch {
  // A stat line has 52 numbers and a name of at most 63 bytes.
  std::array<char, 2048> stat;
  std::array<char, 256> memory;
  std::array<char, kMaxCommandLineBytes> command_line;
};

// What is known of one process before it is packed.
struct Process {
  uint32_t pid;
  uint32_t user_id;
  StatLine stat;
  uint64_t resident_pages;
  std::string_view command_line;
  uint64_t cut_bytes;
};

void AppendProcess(RecordBuffer& records, const Process& process) {
  static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const StatLine& stat = process.stat;
  ProcessRecord record{};
  record.size = static_cast<uint32_t>(
      RecordBuffer::PaddedToWord(sizeof(record) + stat.name.size() + process.command_line.size()));
  record.pid = process.pid;
  record.parent_pid = stat.parent_pid;
  record.user_id = process.user_id;
  record.state = static_cast<unsigned char>(stat.state);
  record.thread_count = stat.thread_count;
  record.command_line_bytes = static_cast<uint32_t>(process.command_line.size());
  record.name_bytes = static_cast<uint32_t>(stat.name.size());
  record.user_ticks = stat.user_ticks;
  record.system_ticks = stat.system_ticks;
  record.start_ticks = stat.start_ticks;
  record.resident_bytes = process.resident_pages * page_bytes;
  record.cut_bytes = process.cut_bytes;
  records.AppendRecord(record);
  records.AppendBytes(stat.name);
  records.AppendBytes(process.command_line);
  records.PadToWord();
}

// The text of a small file of the process.
template <size_t capacity>
Access ReadText(int directory, const char* name, std::array<char, capacity>& buffer, std::string_view& text,
                uint64_t& cut_bytes) {
  size_t length = 0;
  const Access access = ReadFile(directory, name, buffer.data(), buffer.size(), length, cut_bytes);
  text = {buffer.data(), length};
  return access;
}

// Memory and command line, which a kernel thread has not.
Access ReadMemoryAndCommandLine(int directory, Scratch& scratch, Process& process) {
  std::string_view memory;
  uint64_t no_cut = 0;
  Access access = ReadText(directory, "statm", scratch.memory, memory, no_cut);
  if (access != Access::kOk) return access;
  process.resident_pages = ParseResidentPages(memory);
  return ReadText(directory, "cmdline", scratch.command_line, process.command_line, process.cut_bytes);
}

// All reads go through one descriptor of the process's directory, so that they cannot mix two processes that had one
// pid in turn.
Access ReadProcess(int proc, uint32_t pid, Scratch& scratch, RecordBuffer& records) {
  const auto name = std::to_string(pid);
  const UniqueFd directory(openat(proc, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return AccessFromErrno(errno, name);
  struct stat owner;
  if (fstat(directory.get(), &owner) != 0) return AccessFromErrno(errno, name);

  std::string_view text;
  uint64_t cut_bytes = 0;
  Access access = ReadText(directory.get(), "stat", scratch.stat, text, cut_bytes);
  if (access != Access::kOk) return access;
  const auto stat = ParseStatLine(text);
  if (!stat) return Access::kVanished;

  Process process{pid, owner.st_uid, *stat, 0, {}, 0};
  if ((stat->flags & kKernelThread) == 0) {
    access = ReadMemoryAndCommandLine(directory.get(), scratch, process);
    if (access != Access::kOk) return access;
  }
  AppendProcess(records, process);
  return Access::kOk;
}

}  // namespace

RecordBuffer SnapshotProcesses(std::optional<std::vector<uint32_t>> pids) {
  const UniqueFd proc = OpenProc();
  if (!pids) ListNumbers(proc.get(), pids.emplace());
  std::sort(pids->begin(), pids->end());
  pids->erase(std::unique(pids->begin(), pids->end()), pids->end());
  const auto scratch = std::make_unique<Scratch>();
  RecordBuffer records;
  for (const uint32_t pid : *pids) {
    if (ReadProcess(proc.get(), pid, *scratch, records) == Access::kDenied) records.CountUnseen();
  }
  return records;
}

}  // namespace systems_manager
