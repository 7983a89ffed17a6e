/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Signals, victims of a want of memory, and questions whether a process may. */
#pragma once

#include "session.bpf.h"
#include "system_layout.h"

/* In the place of a siginfo: from the kernel itself. SI_USER without details is 0. */
#define SENT_BY_KERNEL 1
#define SI_KERNEL 0x80

/* Passes if the filter has the sender or the target. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo* info, struct task_struct* target, int group, int result) {
  struct event_subject subject = {.task = (struct task_struct*)bpf_get_current_task_btf(), .other = target};
  struct draft draft;
  if (!begin_of(&draft, EVENT_SIGNAL, &subject)) return 0;
  struct signal_event* event = (struct signal_event*)draft.record;
  unsigned long given = (unsigned long)info;
  __s32 code = given == SENT_BY_KERNEL ? SI_KERNEL : 0;
  if (given > SENT_BY_KERNEL) bpf_probe_read_kernel(&code, sizeof(code), &info->si_code);
  struct task_struct* leader = target->group_leader;
  event->target_start_ns = leader->start_boottime;
  event->target_pid = process_number(target);
  event->target_tid = thread_number(target);
  event->signal = signal;
  event->code = code;
  event->result = result;
  /* Codes of what users send are not positive. */
  event->is_from_kernel = code > 0;
  __builtin_memcpy(event->target_comm, leader->comm, COMM_BYTES);
  submit(&draft, sizeof(*event), 0);
  return 0;
}

/* Numbers of counters in rss_stat. They are constants, as their places are looked up when the program is loaded. */
#define PAGES_OF_FILES 0
#define PAGES_ANONYMOUS 1
#define PAGES_SHARED 3
#define PAGES(memory, what) as_pages(BPF_CORE_READ(memory, rss_stat[what].count))

/* What single CPUs have not added yet can make a sum negative. */
static __always_inline __u64 as_pages(__s64 count) { return count < 0 ? 0 : count; }

/* Needs a kernel that gives this hook the task (6.9 and later). */
SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_kill, struct task_struct* victim, __u32 user) {
  struct draft draft;
  if (!begin(&draft, EVENT_OOM_KILL, victim)) return 0;
  struct oom_kill_event* event = (struct oom_kill_event*)draft.record;
  __u32 memory_index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
  struct css_set* groups = victim->cgroups;
  struct cgroup_subsys_state* state = NULL;
  bpf_probe_read_kernel(&state, sizeof(state), &groups->subsys[memory_index & 15]);
  event->memory_cgroup_id = BPF_CORE_READ(state, cgroup, kn, id);
  struct mm_struct* memory = victim->mm;
  event->virtual_bytes = BPF_CORE_READ(memory, total_vm) * page_bytes;
  event->anonymous_bytes = PAGES(memory, PAGES_ANONYMOUS) * page_bytes;
  event->file_bytes = PAGES(memory, PAGES_OF_FILES) * page_bytes;
  event->shared_bytes = PAGES(memory, PAGES_SHARED) * page_bytes;
  event->page_table_bytes = BPF_CORE_READ(memory, pgtables_bytes.counter);
  event->score_adjustment = BPF_CORE_READ(victim, signal, oom_score_adj);
  struct task_struct* trigger = (struct task_struct*)bpf_get_current_task_btf();
  event->trigger_pid = process_number(trigger);
  __builtin_memcpy(event->trigger_comm, trigger->comm, COMM_BYTES);
  submit(&draft, sizeof(*event), 0);
  return 0;
}

SEC("tp_btf/cap_capable")
int BPF_PROG(on_capability_check, const struct cred* cred, struct user_namespace* asked,
             const struct user_namespace* capable, int capability, int result) {
  struct draft draft;
  if (!begin(&draft, EVENT_CAPABILITY_CHECK, (struct task_struct*)bpf_get_current_task_btf())) return 0;
  struct capability_check_event* event = (struct capability_check_event*)draft.record;
  event->capability = capability;
  event->result = result;
  event->user_namespace = BPF_CORE_READ(asked, ns.inum);
  event->zero = 0;
  submit(&draft, sizeof(*event), 0);
  return 0;
}
