/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Processes with their arguments, and the CPU time of each of their threads. */
#pragma once

#include "iterator_layout.h"
#include "resident.bpf.h"

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD */

struct task_scratch {
  struct task_record record;
  __u8 arguments[MAX_ITERATED_ARGUMENT_BYTES + MAX_TITLE_BYTES];
};

/* One walk at a time uses it: the loader's lock sees to that. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct task_scratch);
} task_scratches SEC(".maps");

static __always_inline bool copy_arguments(struct task_scratch* scratch, struct task_struct* task, __u64 from,
                                           __u64 length) {
  asm volatile("" : "+r"(length));
  length &= 2 * MAX_ITERATED_ARGUMENT_BYTES - 1;
  if (length > sizeof(scratch->arguments)) return false;
  return bpf_copy_from_user_task(scratch->arguments, length, (const void*)from, task, 0) == 0;
}

/* What /proc shows as the command line: the arguments, or, when a program wrote over their last zero, its title. Nearly
 * always the first, so these are copied at once. */
static __always_inline __u32 read_arguments(struct task_scratch* scratch, struct task_struct* task,
                                            struct mm_struct___table* mm) {
  unsigned long begin = mm->arg_start;
  unsigned long end = mm->arg_end;
  if (begin >= end) return 0;
  __u64 length = end - begin;
  scratch->record.argument_total_bytes = length;
  if (length > MAX_ITERATED_ARGUMENT_BYTES) return 0;
  if (!copy_arguments(scratch, task, begin, length)) return 0;
  __u64 last = length - 1;
  asm volatile("" : "+r"(last));
  last &= MAX_ITERATED_ARGUMENT_BYTES - 1;
  if (scratch->arguments[last] == 0) return length;
  unsigned long limit = mm->env_start == end && mm->env_end > end ? mm->env_end : end;
  __u64 title = limit - begin;
  if (title > MAX_TITLE_BYTES) title = MAX_TITLE_BYTES;
  if (!copy_arguments(scratch, task, begin, title)) return 0;
  scratch->record.argument_total_bytes = 0;
  return title;
}

static __always_inline void describe_process(struct task_scratch* scratch, struct task_struct* task,
                                             struct task_struct___table* table) {
  struct task_record* record = &scratch->record;
  struct signal_struct___table* signal = table->signal;
  record->ended.user_ns = signal->utime;
  record->ended.system_ns = signal->stime;
  record->ended.run_ns = signal->sum_sched_runtime;
  record->reported.user_ns = signal->prev_cputime.utime;
  record->reported.system_ns = signal->prev_cputime.stime;
  record->start_ns = task->start_boottime;
  record->parent_pid = task->real_parent->tgid;
  record->user_id = table->real_cred->euid.val;
  record->flags = table->flags;
  record->state = table->__state;
  record->exit_state = table->exit_state;
  record->thread_count = signal->nr_threads;
  record->resident_pages = 0;
  record->argument_total_bytes = 0;
  bpf_probe_read_kernel(record->comm, sizeof(record->comm), task->comm);
  struct mm_struct___table* mm = table->mm;
  if (!mm || (record->flags & KERNEL_THREAD)) return;
  record->resident_pages = count_resident_pages(mm);
  record->head.argument_bytes = read_arguments(scratch, task, mm);
}

SEC("iter.s/task")
int read_task(struct bpf_iter__task___table* context) {
  struct seq_file* output = context->meta->seq;
  struct task_struct* task = context->task;
  __u32 zero = 0;
  struct task_scratch* scratch = bpf_map_lookup_elem(&task_scratches, &zero);
  if (!task || !scratch) return 0;
  struct task_struct___table* table = (struct task_struct___table*)task;
  struct task_head* head = &scratch->record.head;
  head->pid = task->tgid;
  head->tid = task->pid;
  head->argument_bytes = 0;
  head->cpu.user_ns = table->utime;
  head->cpu.system_ns = table->stime;
  head->cpu.run_ns = table->se.sum_exec_runtime;
  if (head->pid != head->tid) {
    head->size = sizeof(*head);
    bpf_seq_write(output, head, sizeof(*head));
    return 0;
  }
  describe_process(scratch, task, table);
  __u64 size = sizeof(struct task_record) + ((head->argument_bytes + 7) & ~7u);
  head->size = size;
  asm volatile("" : "+r"(size));
  size &= 2 * MAX_ITERATED_ARGUMENT_BYTES - 1;
  if (size > sizeof(struct task_record) + MAX_ITERATED_ARGUMENT_BYTES) return 0;
  bpf_seq_write(output, scratch, size);
  return 0;
}
