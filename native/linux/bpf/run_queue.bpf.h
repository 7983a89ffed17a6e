/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Threads that could run and wait for a CPU: from when they are woken, made, or pushed off a CPU until they are on one.
 */
#pragma once

#include "system_call.bpf.h"

/* Since when, by the id of the thread. The scheduler's locks are held here: all room is there from the beginning. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, __u64);
} waiting_threads SEC(".maps");

/* When there is no room, the wait has an end without a begin. */
static __always_inline void begin_wait(__u32 thread) {
  __u64 now_ns = bpf_ktime_get_boot_ns();
  if (thread != 0) bpf_map_update_elem(&waiting_threads, &thread, &now_ns, BPF_ANY);
}

SEC("?tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct* task) {
  begin_wait(task->pid);
  return 0;
}

SEC("?tp_btf/sched_wakeup_new")
int BPF_PROG(on_first_wakeup, struct task_struct* task) {
  begin_wait(task->pid);
  return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(on_switch, bool is_preempted, struct task_struct* former, struct task_struct* next, __u32 former_state) {
  __u32 former_thread = former->pid;
  /* One that goes to sleep may have been woken while it ran: it did not wait. */
  if (is_preempted || former_state == 0) {
    begin_wait(former_thread);
  } else {
    bpf_map_delete_elem(&waiting_threads, &former_thread);
  }
  __u32 thread = next->pid;
  if (thread == 0) return 0;
  __u64* since = bpf_map_lookup_elem(&waiting_threads, &thread);
  __u64 since_ns = since ? *since : 0;
  if (since) bpf_map_delete_elem(&waiting_threads, &thread);
  const struct event_subject subject = {.task = next};
  struct draft draft;
  if (!attempt(&draft, EVENT_NONE, &subject)) return 0;
  if (since_ns == 0) {
    count_end(&draft, &draft.account->unreadable);
  } else {
    add_task(&draft, next, 0, draft.time_ns - since_ns);
  }
  return 0;
}
