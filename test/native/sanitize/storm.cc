// The addon's sessions and snapshots, without JavaScript: opened, changed, read and closed by many threads at once.
// `storm ROUNDS` under the sanitizer of threads, which must know all that works with threads here.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hh"
#include "linux/aggregate/aggregate_session.hh"
#include "linux/capture/capture_session.hh"
#include "linux/iterators/iterator_programs.hh"
#include "linux/process_snapshot.hh"
#include "linux/profile/profile_session.hh"
#include "linux/profile/symbol_files.hh"
#include "linux/socket_holders.hh"

namespace systems_manager {
namespace {

using Work = std::function<void()>;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void RunTogether(const std::vector<Work>& works) {
  std::vector<std::thread> threads;
  for (const auto& work : works) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
}

void RunPrograms() {
  for (int count = 0; count < 3; count++) {
    char* arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                         const_cast<char*>("cat /etc/hostname > /dev/null; true"), nullptr};
    pid_t child = 0;
    Require(posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, environ) == 0, "a program does not start");
    waitpid(child, nullptr, 0);
  }
}

const std::vector<CaptureFilter>& Filters() {
  static const std::vector<CaptureFilter> filters = [] {
    std::vector<CaptureFilter> all(4);
    all[1].comms = {"cat"};
    all[2].roots = {static_cast<uint32_t>(getpid())};
    all[3].paths = {"/etc"};
    return all;
  }();
  return filters;
}

// Looks at batches on a thread of its own and gives them back, as JavaScript does.
class Reader {
 public:
  Reader() : thread_([this] { Run(); }) {}

  void Take(std::shared_ptr<Batch> batch) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(batch));
    changed_.notify_one();
  }

  // Batches are given back to it.
  void Of(CaptureSession* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
    changed_.notify_one();
  }

  // After the session, as it hands over what the ring has until its end. Bytes that were seen.
  uint64_t Finish() {
    {
      const std::lock_guard lock(mutex_);
      is_finished_ = true;
      changed_.notify_one();
    }
    thread_.join();
    return bytes_;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_finished_ || (session_ != nullptr && !waiting_.empty()); });
      if (waiting_.empty()) return;
      const auto batch = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      for (size_t at = 0; at < batch->size; at++) digest_ += static_cast<unsigned char>(batch->bytes[at]);
      bytes_ += batch->size;
      lock.lock();
      if (session_ != nullptr) session_->ReleaseBatch(batch->slot);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Batch>> waiting_;
  CaptureSession* session_ = nullptr;
  bool is_finished_ = false;
  // Of the thread until it has ended.
  uint64_t bytes_ = 0;
  uint64_t digest_ = 0;
  std::thread thread_;
};

void Capture() {
  CaptureOptions options;
  // Every kind of events of processes, files, sockets and signals.
  options.kinds = 0x3fff1e;
  options.ring_bytes = 65536;
  options.wake_at_bytes = 4096;
  options.look_every_ms = 1;
  options.batch_bytes = 4096;
  options.batches_in_flight = 2;
  Reader reader;
  auto session = std::make_unique<CaptureSession>(
      options, CaptureFilter{}, [&reader](std::shared_ptr<Batch> batch) { reader.Take(std::move(batch)); });
  reader.Of(session.get());
  const Work change = [&] {
    for (const auto& filter : Filters()) session->SetFilter(filter);
  };
  const Work limit = [&] {
    for (const uint64_t rate : {1000, 0}) session->SetEventsPerSecond(rate);
    session->UntaggedProcesses();
  };
  const Work read = [&] { session->ReadAccounts(); };
  RunPrograms();
  RunTogether({RunPrograms, change, change, limit, read, read});
  session->Detach();
  const auto accounts = session->ReadAccounts();
  reader.Of(nullptr);
  session.reset();
  Require(accounts[EVENT_EXEC].attempted > 0, "the capture counted nothing");
  Require(reader.Finish() > 0, "the capture told nothing");
}

void Count(const AggregateOptions& options) {
  AggregateSession session(options, {});
  const Work change = [&] {
    for (const auto& filter : Filters()) session.SetFilter(filter);
  };
  const Work read = [&] { Require(!session.Read().empty(), "the counts told nothing"); };
  const Work stop = [&] {
    RunPrograms();
    session.Stop();
  };
  RunTogether({RunPrograms, change, change, read, read, stop, stop});
}

void Profile() {
  ProfileOptions options;
  options.samples_per_second = 999;
  options.most_stacks = 1024;
  options.most_counts = 4096;
  ProfileSession session(options);
  const Work read = [&] {
    Require(!session.Read().empty(), "the profile told nothing");
    session.TakeProcesses();
  };
  const Work stop = [&] {
    RunPrograms();
    session.Stop();
  };
  RunTogether({RunPrograms, read, read, stop, stop});
}

void Snapshots(IteratorPrograms& iterators) {
  const std::vector<uint32_t> own = {static_cast<uint32_t>(getpid())};
  const Work processes = [&] {
    Require(iterators.SnapshotProcesses(own).bytes().size() > sizeof(RecordHeader), "the own process is not told");
    iterators.SnapshotProcesses(std::nullopt);
  };
  const Work sockets = [&] {
    iterators.SnapshotSocketHolders(own);
    iterators.SnapshotSocketHolders(std::nullopt);
    iterators.SnapshotInetSockets(InetTable::kTcp, 0);
    iterators.SnapshotInetSockets(InetTable::kUdp, 53);
  };
  const Work of_proc = [&] {
    SnapshotProcesses(own);
    SnapshotSocketHolders();
  };
  const Work symbols = [&] {
    const UniqueFd program(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const UniqueFd kernel(open("/proc/kallsyms", O_RDONLY | O_CLOEXEC));
    FindElfSymbols(program.get(), {0x20000});
    FindKernelSymbols(kernel.get(), {0xffffffff81000000});
  };
  RunTogether({processes, processes, sockets, sockets, of_proc, symbols, symbols});
}

void RunRounds(int rounds) {
  IteratorPrograms iterators;
  // With a text, of times, and plain counts of more keys than there is room for.
  const AggregateOptions by_path = {AggregateSource::kFileOpen, BY_PATH, false, 64};
  const AggregateOptions times = {AggregateSource::kSyscall, BY_SYSCALL, true, 512};
  const AggregateOptions by_process = {AggregateSource::kSyscall, BY_PROCESS, false, 4};
  for (int round = 0; round < rounds; round++)
    RunTogether({Capture, Capture, Profile, [&] { Count(by_path); }, [&] { Count(times); }, [&] { Count(by_process); },
                 [&] { Snapshots(iterators); }});
}

}  // namespace
}  // namespace systems_manager

int main(int count, char** given) {
  systems_manager::RunRounds(count > 1 ? std::atoi(given[1]) : 1);
  std::puts("done");
  return 0;
}
