#include "linux/iterators/pack_tasks.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>
#include <tuple>

#include "common/unique_fd.hh"
#include "linux/iterators/cpu_time.hh"
#include "linux/proc_file.hh"
#include "linux/process_snapshot.hh"
#include "linux/socket_holders.hh"

namespace systems_manager {
namespace {

// PF_KTHREAD of include/linux/sched.h.
constexpr uint32_t kKernelThread = 0x00200000;
// One tick of /proc: it counts 100 a second on every architecture that Node runs on.
constexpr uint64_t kTickNs = 10'000'000;

// A process as the iterator wrote it, and the CPU time of all its threads.
struct Task {
  task_record record;
  std::string_view arguments;
  task_cpu total;
  // The iterator cannot tell all of it.
  bool is_in_proc_only;
};

void Add(task_cpu& sum, const task_cpu& part) {
  sum.user_ns += part.user_ns;
  sum.system_ns += part.system_ns;
  sum.run_ns += part.run_ns;
}

// By pid. A thread may come before the first one of its process when the pids began anew in between.
std::map<uint32_t, Task> ParseTasks(std::string_view written) {
  std::map<uint32_t, Task> tasks;
  for (size_t at = 0; at + sizeof(task_head) <= written.size();) {
    task_head head;
    std::memcpy(&head, written.data() + at, sizeof(head));
    auto& task = tasks[head.pid];
    Add(task.total, head.cpu);
    if (head.pid == head.tid) {
      std::memcpy(&task.record, written.data() + at, sizeof(task.record));
      Add(task.total, task.record.ended);
      task.arguments = written.substr(at + sizeof(task.record), head.argument_bytes);
      task.is_in_proc_only = task.record.argument_total_bytes > task.arguments.size();
    }
    at += head.size;
  }
  return tasks;
}

// The letters of task_state_array in fs/proc/array.c.
char LetterOf(uint32_t state, uint32_t exit_state) {
  constexpr uint32_t idle = 0x402, lock_wait = 0x1000, frozen = 0x8000, reported = 0x7f;
  const uint32_t both = state | exit_state;
  if ((both & idle) == idle) return 'I';
  if (both & (lock_wait | frozen)) return 'D';
  const uint32_t bits = both & reported;
  return bits == 0 ? 'R' : "SDTtXZP"[31 - __builtin_clz(bits)];
}

// The kernel's threads have longer names in /proc, which tell what a worker works on.
std::string NameOf(const task_record& record) {
  const std::string own(record.comm, strnlen(record.comm, sizeof(record.comm)));
  if (!(record.flags & kKernelThread)) return own;
  const auto path = "/proc/" + std::to_string(record.head.pid) + "/comm";
  std::array<char, 256> buffer;
  size_t length = 0;
  uint64_t cut = 0;
  if (ReadFile(AT_FDCWD, path.c_str(), buffer.data(), buffer.size(), length, cut) != Access::kOk || length == 0)
    return own;
  return {buffer.data(), length - 1};
}

// A title ends with its first zero; that it is one is told by there being no total.
std::string_view ArgumentsOf(const Task& task) {
  const auto end = task.arguments.find('\0');
  if (task.record.argument_total_bytes > 0 || end == std::string_view::npos) return task.arguments;
  return task.arguments.substr(0, end + 1);
}

void Append(RecordBuffer& records, const Task& task) {
  static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const task_record& from = task.record;
  const auto name = NameOf(from);
  const auto arguments = ArgumentsOf(task);
  const auto cpu = ShareOut(task.total, from.reported);
  ProcessRecord record{};
  record.size = static_cast<uint32_t>(RecordBuffer::PaddedToWord(sizeof(record) + name.size() + arguments.size()));
  record.pid = from.head.pid;
  record.parent_pid = from.parent_pid;
  record.user_id = from.user_id;
  record.state = static_cast<unsigned char>(LetterOf(from.state, from.exit_state));
  record.thread_count = from.thread_count;
  record.command_line_bytes = static_cast<uint32_t>(arguments.size());
  record.name_bytes = static_cast<uint32_t>(name.size());
  record.user_ticks = cpu.user_ns / kTickNs;
  record.system_ticks = cpu.system_ns / kTickNs;
  record.start_ticks = from.start_ns / kTickNs;
  record.resident_bytes = static_cast<uint64_t>(from.resident_pages) * page_bytes;
  records.AppendRecord(record);
  records.AppendBytes(name);
  records.AppendBytes(arguments);
  records.PadToWord();
}

}  // namespace

RecordBuffer PackTasks(std::string_view written, const std::optional<std::vector<uint32_t>>& pids,
                       const std::vector<uint32_t>& hidden) {
  RecordBuffer records;
  auto tasks = ParseTasks(written);
  for (const uint32_t pid : hidden) {
    auto& task = tasks[pid];
    task.record.head.pid = pid;
    task.is_in_proc_only = true;
  }
  for (const auto& [pid, task] : tasks) {
    // Only threads of it were seen: it ended in between.
    if (task.record.head.pid == 0) continue;
    if (pids && !std::binary_search(pids->begin(), pids->end(), pid)) continue;
    if (task.is_in_proc_only) {
      records.AppendAll(SnapshotProcesses(std::vector<uint32_t>{pid}));
    } else {
      Append(records, task);
    }
  }
  return records;
}

std::vector<uint32_t> FindHidden(std::string_view written, const std::vector<uint32_t>& pids) {
  const auto tasks = ParseTasks(written);
  std::vector<uint32_t> hidden;
  for (const uint32_t pid : pids)
    if (tasks.count(pid) == 0) hidden.push_back(pid);
  return hidden;
}

RecordBuffer PackSockets(std::string_view written, const std::vector<uint32_t>& hidden) {
  static_assert(sizeof(socket_descriptor) == sizeof(SocketRecord), "both are told alike");
  const RecordBuffer read = SnapshotSocketHolders(hidden);
  RecordHeader header;
  std::memcpy(&header, read.bytes().data(), sizeof(header));
  std::string all = read.bytes().substr(sizeof(header));
  all.append(written);

  std::vector<SocketRecord> sockets(all.size() / sizeof(SocketRecord));
  std::memcpy(sockets.data(), all.data(), sockets.size() * sizeof(SocketRecord));
  std::sort(sockets.begin(), sockets.end(), [](const SocketRecord& left, const SocketRecord& right) {
    return std::tie(left.pid, left.fd) < std::tie(right.pid, right.fd);
  });
  RecordBuffer records;
  for (const auto& socket : sockets) records.AppendRecord(socket);
  for (uint32_t count = 0; count < header.unseen; count++) records.CountUnseen();
  return records;
}

}  // namespace systems_manager
