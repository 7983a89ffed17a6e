#include "linux/profile/profile_session.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/append.hh"
#include "common/unique_fd.hh"
#include "linux/home_namespace.hh"
#include "linux/kernel_maps.hh"
#include "profile.skel.h"

namespace systems_manager {
namespace {

void Fill(const bpf_map* map, const std::vector<uint64_t>& values) {
  const uint8_t present = 1;
  for (const auto value : values)
    Check(bpf_map_update_elem(bpf_map__fd(map), &value, &present, BPF_ANY), "write the filter");
}

// The clock of one CPU; not valid when there is no such CPU, or it is off.
UniqueFd OpenClock(int cpu, uint32_t samples_per_second) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.freq = 1;
  attributes.sample_freq = samples_per_second;
  UniqueFd clock(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!clock.valid() && errno != ENODEV) throw std::system_error(errno, std::generic_category(), "open a CPU's clock");
  return clock;
}

}  // namespace

void ProfileSession::DestroyObject::operator()(struct profile* object) const { profile__destroy(object); }
void ProfileSession::DestroyLink::operator()(struct bpf_link* link) const { bpf_link__destroy(link); }

ProfileSession::ProfileSession(const ProfileOptions& options) : object_(profile__open()) {
  if (!object_) throw std::system_error(errno, std::generic_category(), "open the profile program");
  Load(options);
  started_ = std::chrono::steady_clock::now();
  StartClocks(options.samples_per_second);
}

ProfileSession::~ProfileSession() { Stop(); }

void ProfileSession::Load(const ProfileOptions& options) {
  auto& maps = object_->maps;
  auto& constants = *object_->rodata;
  constants.home_inode = FindHomeNamespace();
  constants.filter_pids = !options.pids.empty();
  constants.filter_cgroups = !options.cgroups.empty();
  constants.hash_seed = DrawSeed();
  SizeMap(maps.stacks, options.most_stacks);
  SizeMap(maps.counts, options.most_counts);
  SizeMap(maps.wanted_pids, options.pids.size());
  SizeMap(maps.wanted_cgroups, options.cgroups.size());
  Check(profile__load(object_.get()), "load the profile program");
  Fill(maps.wanted_pids, options.pids);
  Fill(maps.wanted_cgroups, options.cgroups);
}

void ProfileSession::StartClocks(uint32_t samples_per_second) {
  const int possible = libbpf_num_possible_cpus();
  Check(possible, "count the CPUs");
  for (int cpu = 0; cpu < possible; cpu++) {
    UniqueFd clock = OpenClock(cpu, samples_per_second);
    if (!clock.valid()) continue;
    Link link(bpf_program__attach_perf_event(object_->progs.on_tick, clock.get()));
    if (!link) throw std::system_error(errno, std::generic_category(), "attach the profile program");
    // The link closes it.
    clock.release();
    clocks_.push_back(std::move(link));
  }
  cpus_ = static_cast<uint32_t>(clocks_.size());
}

void ProfileSession::Stop() {
  const std::lock_guard lock(mutex_);
  if (clocks_.empty()) return;
  clocks_.clear();
  stopped_ = std::chrono::steady_clock::now();
}

profile_account ProfileSession::ReadAccount() const {
  std::vector<profile_account> per_cpu(libbpf_num_possible_cpus());
  const uint32_t zero = 0;
  Check(bpf_map_lookup_elem(bpf_map__fd(object_->maps.accounts), &zero, per_cpu.data()), "read the accounts");
  profile_account sum{};
  for (const auto& each : per_cpu) {
    sum.taken += each.taken;
    sum.idle += each.idle;
    sum.filtered += each.filtered;
    sum.counted += each.counted;
    sum.uncounted += each.uncounted;
    sum.lost_stacks += each.lost_stacks;
    sum.unreadable_stacks += each.unreadable_stacks;
    sum.cut_stacks += each.cut_stacks;
  }
  return sum;
}

std::string ProfileSession::Read() const {
  std::string to;
  Append(to, ReadAccount());
  {
    const std::lock_guard lock(mutex_);
    const auto end = clocks_.empty() ? stopped_ : std::chrono::steady_clock::now();
    Append(to, static_cast<uint64_t>(std::chrono::nanoseconds(end - started_).count()));
  }
  Append(to, uint64_t{cpus_});
  for (const auto& key : KeysOf<profile_key>(object_->maps.counts)) {
    uint64_t count = 0;
    // A count that is 0 is being made on another CPU.
    if (bpf_map_lookup_elem(bpf_map__fd(object_->maps.counts), &key, &count) == 0 && count > 0)
      AppendSample(to, key, count);
  }
  return to;
}

void ProfileSession::AppendSample(std::string& to, const profile_key& key, uint64_t count) const {
  profile_stack kernel{};
  profile_stack user{};
  const auto find = [this](uint64_t number, profile_stack& stack) -> uint32_t {
    if (number <= PROFILE_STACK_UNREADABLE) return static_cast<uint32_t>(number);
    Check(bpf_map_lookup_elem(bpf_map__fd(object_->maps.stacks), &number, &stack), "read a stack");
    return PROFILE_STACK_NONE;
  };
  ProfileSample sample{key.process, count, 0, 0, find(key.kernel_stack, kernel), find(key.user_stack, user)};
  sample.kernel_depth = static_cast<uint32_t>(kernel.depth);
  sample.user_depth = static_cast<uint32_t>(user.depth);
  Append(to, sample);
  to.append(reinterpret_cast<const char*>(kernel.addresses), kernel.depth * sizeof(uint64_t));
  to.append(reinterpret_cast<const char*>(user.addresses), user.depth * sizeof(uint64_t));
}

std::string ProfileSession::TakeProcesses() const {
  std::string to;
  for (const auto& process : KeysOf<profile_process>(object_->maps.processes)) {
    Append(to, process);
    // The kernel may have made room itself.
    bpf_map_delete_elem(bpf_map__fd(object_->maps.processes), &process);
  }
  return to;
}

}  // namespace systems_manager
