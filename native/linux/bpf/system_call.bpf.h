/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* System calls: how many begin, or how long each takes until it returns. One that never does has no time. */
#pragma once

#include "session.bpf.h"
#include "syscall.bpf.h"

struct system_call {
  __u64 since_ns; /* 0: none is under way, or its begin was not seen */
  __u64 number;
};

/* Goes with its thread. */
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct system_call);
} system_calls SEC(".maps");

static __always_inline void add_task(const struct draft* draft, struct task_struct* task, __u64 number, __u64 value) {
  struct tally_key key = {};
  if (counted_by == BY_SYSCALL) {
    /* 32-bit calls have numbers of their own. */
    key.number = is_compat_call(task) ? COMPAT_CALL | number : number;
  } else if (counted_by != BY_NONE) {
    struct owner owner;
    describe(task, &owner);
    name_owner(&key, &owner);
  }
  add_up(draft, &key, value);
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_system_call, struct pt_regs* regs, long number) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  const struct event_subject subject = {.task = task};
  struct draft draft;
  if (attempt(&draft, EVENT_NONE, &subject)) add_task(&draft, task, number, 0);
  return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_system_call_begin, struct pt_regs* regs, long number) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  struct system_call* call = bpf_task_storage_get(&system_calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!call) return 0;
  call->number = number;
  call->since_ns = bpf_ktime_get_boot_ns();
  return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_system_call_end, struct pt_regs* regs, long result) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  struct system_call* call = bpf_task_storage_get(&system_calls, task, 0, 0);
  __u64 since_ns = call ? call->since_ns : 0;
  __u64 number = call ? call->number : 0;
  if (call) call->since_ns = 0;
  const struct event_subject subject = {.task = task};
  struct draft draft;
  if (!attempt(&draft, EVENT_NONE, &subject)) return 0;
  if (since_ns == 0) {
    count_end(&draft, &draft.account->unreadable);
  } else {
    add_task(&draft, task, number, draft.time_ns - since_ns);
  }
  return 0;
}
