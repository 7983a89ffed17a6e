// Snapshots that the kernel's own iterators write: one read for thousands of processes, where /proc needs four files
// for each.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/record_buffer.hh"

struct bpf_program;
struct iterator;

namespace systems_manager {

enum class InetTable { kTcp, kUdp };

// Loaded once; nothing is attached between two snapshots, and nothing is left when the process ends.
class IteratorPrograms {
 public:
  // Loads the programs and tries them. Throws std::system_error when the kernel refuses them, when pids would be those
  // of another namespace, or when they do not tell this process as /proc does.
  IteratorPrograms();
  IteratorPrograms(const IteratorPrograms&) = delete;
  IteratorPrograms& operator=(const IteratorPrograms&) = delete;
  ~IteratorPrograms();

  // Any thread. The same as SnapshotProcesses of process_snapshot.hh. Throws std::system_error.
  RecordBuffer SnapshotProcesses(std::optional<std::vector<uint32_t>> pids);

  // Any thread. The same as SnapshotSocketHolders of socket_holders.hh, of these sockets at least. Throws
  // std::system_error.
  RecordBuffer SnapshotSocketHolders(const std::optional<std::vector<uint32_t>>& inodes);

  // Any thread. InetSocketRecords of the caller's network namespace, with a port only of the sockets that have it as
  // their own; 0 for all. Throws std::system_error.
  RecordBuffer SnapshotInetSockets(InetTable table, uint16_t port);

 private:
  // Runs a program over all tasks, or those of one process, and gives what it wrote.
  std::string Run(const bpf_program* program, uint32_t pid = 0);

  // The trial: throws std::system_error unless the own process reads as in /proc.
  void RequireOwnProcess();

  // What the next walk over descriptors tells: these sockets and a few others, or all.
  void ChooseSockets(const std::optional<std::vector<uint32_t>>& inodes);

  // Whether a walk that met so many tasks met all but those that are known to be hidden: the kernel counts its tasks.
  bool IsWhole(uint64_t visited_tasks) const;

  struct DestroyObject {
    void operator()(iterator* object) const;
  };
  const std::unique_ptr<iterator, DestroyObject> object_;
  // The programs that read tasks have one scratch.
  std::mutex mutex_;
  // Those that read sockets have one wanted port.
  std::mutex port_mutex_;
  // Ascending. A hardened kernel does not show every process to iterators; /proc shows it all the same.
  std::vector<uint32_t> hidden_;
};

}  // namespace systems_manager
