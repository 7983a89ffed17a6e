#include "linux/iterators/hidden_processes.hh"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "common/unique_fd.hh"
#include "linux/bpf/iterator_layout.h"
#include "linux/proc_file.hh"
#include "linux/process_snapshot.hh"

namespace systems_manager {
namespace {

template <typename Visit>
void EachTask(std::string_view written, Visit visit) {
  task_head head;
  for (size_t at = 0; at + sizeof(head) <= written.size(); at += head.size) {
    std::memcpy(&head, written.data() + at, sizeof(head));
    visit(head);
  }
}

}  // namespace

uint64_t CountTasks(std::string_view written) {
  uint64_t count = 0;
  EachTask(written, [&](const task_head&) { count++; });
  return count;
}

std::vector<uint32_t> FindHidden(std::string_view written) {
  std::vector<uint32_t> shown;
  EachTask(written, [&](const task_head& head) { shown.push_back(head.pid); });
  std::sort(shown.begin(), shown.end());
  const UniqueFd proc = OpenProc();
  std::vector<uint32_t> present;
  ListNumbers(proc.get(), present);
  std::vector<uint32_t> hidden;
  std::set_difference(present.begin(), present.end(), shown.begin(), shown.end(), std::back_inserter(hidden));
  return hidden;
}

uint64_t CountThreads(const std::vector<uint32_t>& pids) {
  if (pids.empty()) return 0;
  const auto snapshot = SnapshotProcesses(pids);
  const std::string_view records = snapshot.bytes();
  uint64_t threads = 0;
  ProcessRecord record;
  for (size_t at = sizeof(RecordHeader); at + sizeof(record) <= records.size(); at += record.size) {
    std::memcpy(&record, records.data() + at, sizeof(record));
    threads += record.thread_count;
  }
  return threads;
}

}  // namespace systems_manager
