#include "linux/iterators/iterator_programs.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "common/unique_fd.hh"
#include "iterator.skel.h"
#include "linux/iterators/pack_tasks.hh"
#include "linux/proc_file.hh"
#include "linux/process_snapshot.hh"

namespace systems_manager {
namespace {

[[noreturn]] void Fail(int error, const char* what) { throw std::system_error(error, std::generic_category(), what); }

// PROC_PID_INIT_INO of include/uapi/linux/nsfs.h.
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;

// Iterators tell the pids of the initial namespace; in another one the same process has another number.
void RequireInitialPidNamespace() {
  struct stat own {};
  if (stat("/proc/self/ns/pid", &own) != 0) Fail(errno, "find the own pid namespace");
  if (own.st_ino != kInitialPidNamespace) {
    Fail(EOPNOTSUPP, "use iterators outside the initial pid namespace, where pids are other ones");
  }
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
  RequireInitialPidNamespace();
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

IteratorPrograms::IteratorPrograms() : object_(LoadPrograms()) {
  RequireOwnProcess();
  FindHiddenProcesses();
}
IteratorPrograms::~IteratorPrograms() = default;

std::string IteratorPrograms::Run(const bpf_program* program, uint32_t pid) {
  bpf_iter_link_info target{};
  target.task.pid = pid;
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.iter_info = &target;
  options.iter_info_len = sizeof(target);
  const UniqueFd link(bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, &options));
  if (!link.valid()) Fail(errno, "attach an iterator");
  const UniqueFd tasks(bpf_iter_create(link.get()));
  if (!tasks.valid()) Fail(errno, "create an iterator");

  constexpr size_t chunk = 64 * 1024;
  std::string written;
  for (;;) {
    const size_t before = written.size();
    written.resize(before + chunk);
    const ssize_t count = read(tasks.get(), written.data() + before, chunk);
    const int error = errno;
    written.resize(before + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count == 0) return written;
    if (count < 0 && error != EINTR && error != EAGAIN) Fail(error, "read an iterator");
  }
}

void IteratorPrograms::RequireOwnProcess() {
  const std::vector<uint32_t> own{static_cast<uint32_t>(getpid())};
  const auto found = IdentityOf(PackTasks(Run(object_->progs.read_task, own[0]), own, {}));
  if (found.empty()) Fail(ESRCH, "find the own process through an iterator");
  if (found != IdentityOf(systems_manager::SnapshotProcesses(own))) {
    Fail(EPROTO, "trust iterators: they tell the own process differently from /proc");
  }
}

void IteratorPrograms::FindHiddenProcesses() {
  const UniqueFd proc = OpenProc();
  std::vector<uint32_t> pids;
  ListNumbers(proc.get(), pids);
  // Two looks: a process may begin between the list and the first one.
  const auto missed = FindHidden(Run(object_->progs.read_task), pids);
  hidden_ = FindHidden(Run(object_->progs.read_task), missed);
}

RecordBuffer IteratorPrograms::SnapshotProcesses(std::optional<std::vector<uint32_t>> pids) {
  if (pids) {
    std::sort(pids->begin(), pids->end());
    pids->erase(std::unique(pids->begin(), pids->end()), pids->end());
  }
  std::string written;
  {
    const std::lock_guard lock(mutex_);
    const auto* program = object_->progs.read_task;
    if (pids && pids->size() <= kMaxSingleProcesses) {
      for (const uint32_t pid : *pids)
        if (pid != 0) written += Run(program, pid);
    } else {
      written = Run(program);
    }
  }
  return PackTasks(written, pids, hidden_);
}

RecordBuffer IteratorPrograms::SnapshotSocketHolders() {
  std::string written;
  {
    const std::lock_guard lock(mutex_);
    written = Run(object_->progs.read_task_file);
  }
  return PackSockets(written, hidden_);
}

}  // namespace systems_manager
