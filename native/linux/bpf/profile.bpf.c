/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CPU profiles: at each tick of a CPU's clock, who runs there and where. Counted here; nothing is sent per sample. The
 * kernel follows frame pointers, so a user stack ends early in code that was compiled without them. */
#include "core_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "profile_filter.bpf.h"
#include "profile_layout.h"

#if defined(__TARGET_ARCH_x86)
#define INSTRUCTION_POINTER_WORD 16
#elif defined(__TARGET_ARCH_arm64)
#define INSTRUCTION_POINTER_WORD 32
#endif

/* The registers of what was interrupted, which the context begins with. */
struct bpf_perf_event_data {
  __u64 registers[INSTRUCTION_POINTER_WORD + 1];
};

/* The loader sets the sizes. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, struct profile_stack);
} stacks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct profile_key);
  __type(value, __u64);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct profile_process);
  __type(value, __u8);
} processes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct profile_account);
} accounts SEC(".maps");

/* The clock's tick is not interrupted by another tick: one for each CPU is enough. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct profile_stack);
} scratches SEC(".maps");

/* Nobody can prepare two stacks that look like one. */
const volatile __u64 hash_seed = 0;

static __always_inline __u64 hash_of(const struct profile_stack* stack) {
  __u64 hash = hash_seed ^ stack->depth;
  for (__u32 frame = 0; frame < PROFILE_STACK_FRAMES; frame++) {
    if (frame >= stack->depth) break;
    hash = (hash ^ stack->addresses[frame]) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
  }
  return hash <= PROFILE_STACK_UNREADABLE ? hash + PROFILE_STACK_UNREADABLE + 1 : hash;
}

/* The number of the stack where the CPU is, which is kept under it. */
static __always_inline __u64 keep_stack(void* context, struct profile_account* account, __u64 flags) {
  __u32 zero = 0;
  struct profile_stack* stack = bpf_map_lookup_elem(&scratches, &zero);
  if (!stack) return PROFILE_STACK_LOST;
  long bytes = bpf_get_stack(context, stack->addresses, sizeof(stack->addresses), flags);
  if (bytes <= 0) {
    account->unreadable_stacks++;
    return PROFILE_STACK_UNREADABLE;
  }
  stack->depth = bytes / sizeof(__u64);
  if (stack->depth == PROFILE_STACK_FRAMES) account->cut_stacks++;
  __u64 hash = hash_of(stack);
  if (bpf_map_lookup_elem(&stacks, &hash)) return hash;
  if (bpf_map_update_elem(&stacks, &hash, stack, BPF_ANY) == 0) return hash;
  account->lost_stacks++;
  return PROFILE_STACK_LOST;
}

static __always_inline bool add_one(const struct profile_key* key) {
  __u64* count = bpf_map_lookup_elem(&counts, key);
  if (!count) {
    const __u64 none = 0;
    /* Another CPU may have been first. */
    bpf_map_update_elem(&counts, key, &none, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&counts, key);
  }
  if (!count) return false;
  __sync_fetch_and_add(count, 1);
  return true;
}

static __always_inline void name_process(struct profile_process* process, struct task_struct* task) {
  struct task_struct* leader = task->group_leader;
  process->start_ns = leader->start_boottime;
  process->pid = process_number(task);
  /* Up to its zero: behind it there may be the rest of a longer name. */
  bpf_probe_read_kernel_str(process->comm, sizeof(process->comm), leader->comm);
  const __u8 present = 1;
  if (!bpf_map_lookup_elem(&processes, process)) bpf_map_update_elem(&processes, process, &present, BPF_ANY);
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data* context) {
  __u32 zero = 0;
  struct profile_account* account = bpf_map_lookup_elem(&accounts, &zero);
  if (!account) return 0;
  account->taken++;
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  if (task->pid == 0) {
    account->idle++;
    return 0;
  }
  __u32 pid = process_number(task);
  if (pid == 0 || !is_wanted(pid)) {
    account->filtered++;
    return 0;
  }
  struct profile_key key = {};
  name_process(&key.process, task);
  bool is_in_kernel = (__s64)context->registers[INSTRUCTION_POINTER_WORD] < 0;
  if (is_in_kernel) key.kernel_stack = keep_stack(context, account, 0);
  if (task->mm) key.user_stack = keep_stack(context, account, BPF_F_USER_STACK);
  if (add_one(&key)) {
    account->counted++;
  } else {
    account->uncounted++;
  }
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
