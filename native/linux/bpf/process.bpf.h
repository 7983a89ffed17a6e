/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Processes that begin, become another program, and end. */
#pragma once

#include "session.bpf.h"

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct* task, int old_pid, struct linux_binprm* program) {
  struct draft draft;
  if (!begin(&draft, EVENT_EXEC, task)) return 0;
  struct exec_event* event = (struct exec_event*)draft.record;
  __u8* strings = (__u8*)(event + 1);
  long filename = bpf_probe_read_kernel_str(strings, MAX_PATH_BYTES / 2, program->filename);
  if (filename < 0) filename = 0;
  __u64 begin_at = task->mm->arg_start;
  __u64 total = task->mm->arg_end - begin_at;
  __u32 length = total > MAX_ARGV_BYTES ? MAX_ARGV_BYTES : total;
  __u32 at = filename;
  asm volatile("" : "+r"(at));
  at &= MAX_PATH_BYTES / 2 - 1;
  asm volatile("" : "+r"(length));
  length &= 2 * MAX_ARGV_BYTES - 1;
  if (length > MAX_ARGV_BYTES) length = MAX_ARGV_BYTES;
  if (bpf_probe_read_user(strings + at, length, (void*)begin_at) != 0) length = 0;
  event->filename_bytes = at;
  event->argv_bytes = length;
  event->argv_total_bytes = total;
  submit(&draft, sizeof(*event), at + length);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  struct draft draft;
  if (!begin(&draft, EVENT_FORK, parent)) return 0;
  struct fork_event* event = (struct fork_event*)draft.record;
  event->child_start_ns = child->start_boottime;
  event->child_pid = process_number(child);
  event->child_tid = thread_number(child);
  submit(&draft, sizeof(*event), 0);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct* task, bool is_process) {
  struct draft draft;
  if (!begin(&draft, EVENT_EXIT, task)) return 0;
  struct exit_event* event = (struct exit_event*)draft.record;
  event->lived_ns = event->header.time_ns - task->start_boottime;
  event->exit_code = task->exit_code;
  event->is_process = is_process;
  submit(&draft, sizeof(*event), 0);
  return 0;
}
