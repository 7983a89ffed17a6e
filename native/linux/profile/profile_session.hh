// One CPU profile that is being taken: the kernel's program, its maps, and the clock of each CPU that runs it. Knows
// nothing of JavaScript.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "linux/bpf/profile_layout.h"

struct bpf_link;
struct profile;

namespace systems_manager {

struct ProfileOptions {
  // Samples of each CPU.
  uint32_t samples_per_second = 99;
  // Different stacks that there is room for; 1 KiB each.
  uint32_t most_stacks = 16384;
  // Different combinations of a process and its stacks.
  uint32_t most_counts = 32768;
  // Empty: all processes.
  std::vector<uint64_t> pids;
  // Empty: all. With the groups below them.
  std::vector<uint64_t> cgroups;
};

// Followed by the addresses of its stacks, innermost first: the kernel's, then the user's.
struct ProfileSample {
  profile_process process;
  uint64_t count;
  // Depth of each stack; 0 when it has none.
  uint32_t kernel_depth;
  uint32_t user_depth;
  // PROFILE_STACK_LOST, PROFILE_STACK_UNREADABLE, or PROFILE_STACK_NONE.
  uint32_t kernel_missing;
  uint32_t user_missing;
};

class ProfileSession {
 public:
  // Loads the program and starts the clocks. Throws std::system_error.
  explicit ProfileSession(const ProfileOptions& options);
  ProfileSession(const ProfileSession&) = delete;
  ProfileSession& operator=(const ProfileSession&) = delete;
  // Stops the clocks.
  ~ProfileSession();

  // Any thread. No sample is taken after it returned.
  void Stop();

  // Any thread. A header (profile_account, nanoseconds, CPUs), then samples, in words of the machine. Everything since
  // the beginning; exact when stopped.
  std::string Read() const;

  // Any thread. The processes seen since it was called before, as profile_process records.
  std::string TakeProcesses() const;

 private:
  struct DestroyObject {
    void operator()(struct profile* object) const;
  };
  struct DestroyLink {
    void operator()(struct bpf_link* link) const;
  };
  using Link = std::unique_ptr<struct bpf_link, DestroyLink>;

  void Load(const ProfileOptions& options);
  void StartClocks(uint32_t samples_per_second);
  profile_account ReadAccount() const;
  void AppendSample(std::string& to, const profile_key& key, uint64_t count) const;

  std::unique_ptr<struct profile, DestroyObject> object_;
  mutable std::mutex mutex_;
  std::vector<Link> clocks_;
  uint32_t cpus_ = 0;
  std::chrono::steady_clock::time_point started_;
  // Not before it is stopped.
  std::chrono::steady_clock::time_point stopped_;
};

}  // namespace systems_manager
