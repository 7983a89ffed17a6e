#include "linux/iterators/pack_tasks.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <tuple>
#include <unordered_map>

#include "common/append.hh"
#include "common/unique_fd.hh"
#include "linux/iterators/cpu_time.hh"
#include "linux/proc_file.hh"
#include "linux/process_snapshot.hh"
#include "linux/socket_holders.hh"

namespace systems_manager {
namespace {

// PF_WQ_WORKER and PF_KTHREAD of include/linux/sched.h.
constexpr uint32_t kWorker = 0x00000020;
constexpr uint32_t kKernelThread = 0x00200000;
// One tick of /proc: it counts 100 a second on every architecture that Node runs on.
constexpr uint64_t kTickNs = 10'000'000;

// A process as the iterator wrote it, and the CPU time of all its threads.
struct Task {
  const char* record = nullptr;  // nullptr: only threads of it were seen, or nothing at all
  task_cpu total{};
};

void Add(task_cpu& sum, const task_cpu& part) {
  sum.user_ns += part.user_ns;
  sum.system_ns += part.system_ns;
  sum.run_ns += part.run_ns;
}

// By pid. A thread may come before the first one of its process when the pids began anew in between.
using Tasks = std::unordered_map<uint32_t, Task>;

Tasks ParseTasks(std::string_view written) {
  Tasks tasks;
  tasks.reserve(written.size() / sizeof(task_record));
  task_head head;
  for (size_t at = 0; at + sizeof(head) <= written.size(); at += head.size) {
    std::memcpy(&head, written.data() + at, sizeof(head));
    auto& task = tasks[head.pid];
    Add(task.total, head.cpu);
    if (head.pid == head.tid) task.record = written.data() + at;
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

// /proc has longer names of the kernel's threads, and of its workers what they work on.
std::string NameOf(const task_record& record) {
  const std::string own(record.comm, strnlen(record.comm, sizeof(record.comm)));
  const bool is_cut = own.size() == sizeof(record.comm) - 1;
  if (!(record.flags & kWorker) && !(is_cut && (record.flags & kKernelThread))) return own;
  const auto path = "/proc/" + std::to_string(record.head.pid) + "/comm";
  std::array<char, 256> buffer;
  size_t length = 0;
  uint64_t cut = 0;
  if (ReadFile(AT_FDCWD, path.c_str(), buffer.data(), buffer.size(), length, cut) != Access::kOk || length == 0)
    return own;
  return {buffer.data(), length - 1};
}

// A title ends with its first zero; that it is one is told by there being no total.
std::string_view WithoutRest(std::string_view arguments, const task_record& record) {
  const auto end = arguments.find('\0');
  if (record.argument_total_bytes > 0 || end == std::string_view::npos) return arguments;
  return arguments.substr(0, end + 1);
}

// False when /proc knows more.
bool Append(RecordBuffer& records, const Task& task) {
  static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  task_record from;
  std::memcpy(&from, task.record, sizeof(from));
  const std::string_view written(task.record + sizeof(from), from.head.argument_bytes);
  if (from.argument_total_bytes > written.size()) return false;
  const auto name = NameOf(from);
  const auto arguments = WithoutRest(written, from);
  auto total = task.total;
  Add(total, from.ended);
  const auto cpu = ShareOut(total, from.reported);
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
  return true;
}

std::vector<uint32_t> AllOf(const Tasks& tasks, const std::vector<uint32_t>& hidden) {
  std::vector<uint32_t> pids(hidden);
  for (const auto& [pid, task] : tasks) pids.push_back(pid);
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

}  // namespace

RecordBuffer PackTasks(std::string_view written, const std::optional<std::vector<uint32_t>>& pids,
                       const std::vector<uint32_t>& hidden) {
  RecordBuffer records;
  const auto tasks = ParseTasks(written);
  for (const uint32_t pid : pids ? *pids : AllOf(tasks, hidden)) {
    const auto task = tasks.find(pid);
    const bool is_told = task != tasks.end() && task->second.record != nullptr && Append(records, task->second);
    if (!is_told) records.AppendAll(SnapshotProcesses(std::vector<uint32_t>{pid}));
  }
  return records;
}

std::vector<uint32_t> TakeOutCutProcesses(std::string& written) {
  static_assert(sizeof(socket_descriptor) == sizeof(SocketRecord), "both are told alike");
  if (written.empty()) return {};
  std::vector<SocketRecord> sockets(written.size() / sizeof(SocketRecord));
  std::memcpy(sockets.data(), written.data(), sockets.size() * sizeof(SocketRecord));
  std::vector<uint32_t> cut;
  for (const auto& socket : sockets)
    if (socket.inode == TOO_MANY_SOCKETS) cut.push_back(socket.pid);
  if (cut.empty()) return cut;
  written.clear();
  for (const auto& socket : sockets)
    if (std::find(cut.begin(), cut.end(), socket.pid) == cut.end()) Append(written, socket);
  return cut;
}

RecordBuffer PackSockets(std::string_view written, const std::vector<uint32_t>& hidden) {
  RecordBuffer records;
  if (!hidden.empty()) records.AppendAll(SnapshotSocketHolders(hidden));
  records.AppendRecords(written, sizeof(SocketRecord));
  records.Sort<SocketRecord>([](const SocketRecord& left, const SocketRecord& right) {
    return std::tie(left.pid, left.fd) < std::tie(right.pid, right.fd);
  });
  return records;
}

RecordBuffer PackInetSockets(std::string_view written) {
  static_assert(sizeof(inet_socket) == sizeof(InetSocketRecord), "both are told alike");
  RecordBuffer records;
  records.AppendRecords(written, sizeof(InetSocketRecord));
  return records;
}

}  // namespace systems_manager
