#include "linux/iterators/iterator_programs.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <system_error>

#include "common/unique_fd.hh"
#include "iterator.skel.h"
#include "linux/bpf/iterator_layout.h"
#include "linux/home_namespace.hh"
#include "linux/iterators/hidden_processes.hh"
#include "linux/iterators/pack_tasks.hh"
#include "linux/process_snapshot.hh"
#include "linux/read_iterator.hh"

namespace systems_manager {
namespace {

[[noreturn]] void Fail(int error, const char* what) { throw std::system_error(error, std::generic_category(), what); }

// Iterators tell the pids of the machine; in another namespace the same process has another number.
void RequireNamespaceOfMachine() {
  if (FindHomeNamespace() != 0)
    Fail(EOPNOTSUPP, "use iterators outside the initial pid namespace, where pids are other ones");
}

// What never changes of the first process of a snapshot.
std::string IdentityOf(const RecordBuffer& snapshot) {
  ProcessRecord record;
  if (snapshot.bytes().size() < sizeof(RecordHeader) + sizeof(record)) return {};
  std::memcpy(&record, snapshot.bytes().data() + sizeof(RecordHeader), sizeof(record));
  const auto text =
      snapshot.bytes().substr(sizeof(RecordHeader) + sizeof(record), record.name_bytes + record.command_line_bytes);
  return std::to_string(record.pid) + ' ' + std::to_string(record.start_ticks) + ' ' + text;
}

iterator* LoadPrograms() {
  RequireNamespaceOfMachine();
  auto* object = iterator__open();
  if (object == nullptr) Fail(errno, "open the iterators");
  object->rodata->cpu_count = static_cast<uint32_t>(libbpf_num_possible_cpus());
  const int result = iterator__load(object);
  if (result == 0) return object;
  iterator__destroy(object);
  Fail(-result, "load the iterators");
}

// A few processes are asked for one by one; for more than these one walk over all is cheaper.
constexpr size_t kMaxSingleProcesses = 32;

}  // namespace

void IteratorPrograms::DestroyObject::operator()(iterator* object) const { iterator__destroy(object); }

IteratorPrograms::IteratorPrograms() : object_(LoadPrograms()) { RequireOwnProcess(); }
IteratorPrograms::~IteratorPrograms() = default;

std::string IteratorPrograms::Run(const bpf_program* program, uint32_t pid) {
  bpf_iter_link_info target{};
  target.task.pid = pid;
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.iter_info = &target;
  options.iter_info_len = sizeof(target);
  const UniqueFd link(bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, &options));
  if (!link.valid()) Fail(errno, "attach an iterator");
  return ReadIterator(link.get(), "read an iterator");
}

void IteratorPrograms::RequireOwnProcess() {
  const std::vector<uint32_t> own{static_cast<uint32_t>(getpid())};
  const auto found = IdentityOf(PackTasks(Run(object_->progs.read_task, own[0]), own));
  if (found.empty()) Fail(ESRCH, "find the own process through an iterator");
  if (found != IdentityOf(systems_manager::SnapshotProcesses(own))) {
    Fail(EPROTO, "trust iterators: they tell the own process differently from /proc");
  }
}

RecordBuffer IteratorPrograms::SnapshotProcesses(std::optional<std::vector<uint32_t>> pids) {
  if (pids) {
    std::sort(pids->begin(), pids->end());
    pids->erase(std::unique(pids->begin(), pids->end()), pids->end());
  }
  const std::lock_guard lock(mutex_);
  if (pids && pids->size() <= kMaxSingleProcesses) {
    std::string written;
    for (const uint32_t pid : *pids)
      if (pid != 0) written += Run(object_->progs.read_task, pid);
    return PackTasks(written, *pids);
  }
  const auto written = Run(object_->progs.read_task);
  if (pids) return PackTasks(written, *pids);
  if (!IsWhole(CountTasks(written))) hidden_ = FindHidden(written);
  return PackTasks(written, std::nullopt, hidden_);
}

void IteratorPrograms::ChooseSockets(const std::optional<std::vector<uint32_t>>& inodes) {
  auto& wanted = object_->bss->wanted_sockets;
  object_->bss->chooses_sockets = inodes.has_value();
  if (!inodes) return;
  std::fill(std::begin(wanted), std::end(wanted), 0);
  for (const uint32_t inode : *inodes) wanted[inode / BITS_OF_WORD % WANTED_WORDS] |= 1ull << inode % BITS_OF_WORD;
}

RecordBuffer IteratorPrograms::SnapshotSocketHolders(const std::optional<std::vector<uint32_t>>& inodes) {
  const std::lock_guard lock(mutex_);
  ChooseSockets(inodes);
  object_->bss->visited_tasks = 0;
  auto written = Run(object_->progs.read_task_sockets);
  if (!IsWhole(object_->bss->visited_tasks)) hidden_ = FindHidden(Run(object_->progs.read_task));
  for (const uint32_t pid : TakeOutCutProcesses(written)) written += Run(object_->progs.read_task_file, pid);
  return PackSockets(written, hidden_);
}

RecordBuffer IteratorPrograms::SnapshotInetSockets(InetTable table, uint16_t port) {
  const std::lock_guard lock(port_mutex_);
  object_->bss->wanted_port = port;
  return PackInetSockets(Run(table == InetTable::kTcp ? object_->progs.read_tcp : object_->progs.read_udp));
}

bool IteratorPrograms::IsWhole(uint64_t visited_tasks) const {
  struct sysinfo system {};
  if (sysinfo(&system) != 0) Fail(errno, "count the machine's tasks");
  return visited_tasks + CountThreads(hidden_) >= system.procs;
}

}  // namespace systems_manager
