/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tables of the kernel, read where they lie: tasks with their arguments, and descriptors that are sockets. */
#include "core_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "iterator_layout.h"

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter_meta___table {
  struct seq_file* seq;
};

struct bpf_iter__task___table {
  struct bpf_iter_meta___table* meta;
  struct task_struct* task;
};

struct bpf_iter__task_file___table {
  struct bpf_iter_meta___table* meta;
  struct task_struct* task;
  __u32 fd;
  struct file* file;
};

/* Fields that only the iterators read: the loader ignores what follows the three underscores. */
struct percpu_counter___table {
  __s64 count;
  __s32* counters;
};

struct mm_struct___table {
  struct percpu_counter___table rss_stat[4];
  unsigned long arg_start, arg_end, env_start, env_end;
};

struct prev_cputime {
  __u64 utime;
  __u64 stime;
};

struct signal_struct___table {
  int nr_threads;
  __u64 utime;
  __u64 stime;
  unsigned long long sum_sched_runtime;
  struct prev_cputime prev_cputime;
};

struct sched_entity {
  __u64 sum_exec_runtime;
};

struct cred___table {
  kuid_t euid;
};

struct task_struct___table {
  unsigned int __state;
  int exit_state;
  unsigned int flags;
  struct sched_entity se;
  __u64 utime;
  __u64 stime;
  const struct cred___table* real_cred;
  struct signal_struct___table* signal;
  struct mm_struct___table* mm;
};

struct file___table {
  struct inode* f_inode;
};

struct bpf_array {
  void* pptrs[0];
};

#pragma clang attribute pop

/* Set before the load. */
const volatile __u32 cpu_count = 1;

#define MAX_CPUS 1024

/* Where each CPU's own memory lies. The symbol that says so is not in every kernel's list, so it is measured: by where
 * the cell of each CPU is in a map that has one for each. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} cells SEC(".maps");

struct cpu_offsets {
  __u64 map; /* address of the map of cells */
  __u64 by_cpu[MAX_CPUS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_offsets);
} cpu_offsets_once SEC(".maps");

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

static __always_inline struct cpu_offsets* find_cpu_offsets(void) {
  __u32 zero = 0;
  struct cpu_offsets* offsets = bpf_map_lookup_elem(&cpu_offsets_once, &zero);
  if (!offsets || offsets->map) return offsets;
  *(volatile void**)&offsets->map = &cells;
  struct bpf_array* array = (struct bpf_array*)*(volatile __u64*)&offsets->map;
  void* cell = NULL;
  bpf_probe_read_kernel(&cell, sizeof(cell), &array->pptrs[0]);
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++)
    *(volatile void**)&offsets->by_cpu[cpu] = bpf_map_lookup_percpu_elem(&cells, &zero, cpu);
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++) offsets->by_cpu[cpu] -= (__u64)cell;
  return offsets;
}

/* A counter's own number, and what each CPU has not added to it yet. */
static __always_inline __s64 sum_counter(struct percpu_counter___table* counter, struct cpu_offsets* offsets) {
  __s64 sum = counter->count;
  void* parts = counter->counters;
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++) {
    __s32 part = 0;
    bpf_probe_read_kernel(&part, sizeof(part), parts + offsets->by_cpu[cpu]);
    sum += part;
  }
  return sum > 0 ? sum : 0;
}

/* What /proc shows as the command line: the arguments, or, when a program wrote over their last zero, its title. */
static __always_inline __u32 read_arguments(struct task_scratch* scratch, struct task_struct* task,
                                            struct mm_struct___table* mm) {
  unsigned long begin = mm->arg_start;
  unsigned long end = mm->arg_end;
  if (begin >= end) return 0;
  scratch->record.argument_total_bytes = end - begin;
  __u8 last = 0;
  bpf_copy_from_user_task(&last, 1, (const void*)(end - 1), task, 0);
  __u64 length = end - begin;
  if (last != 0) {
    unsigned long limit = mm->env_start == end && mm->env_end > end ? mm->env_end : end;
    length = limit - begin;
    if (length > MAX_TITLE_BYTES) length = MAX_TITLE_BYTES;
    scratch->record.argument_total_bytes = 0;
  }
  if (length > MAX_ITERATED_ARGUMENT_BYTES) return 0;
  asm volatile("" : "+r"(length));
  length &= 2 * MAX_ITERATED_ARGUMENT_BYTES - 1;
  if (length > MAX_ITERATED_ARGUMENT_BYTES) return 0;
  if (bpf_copy_from_user_task(scratch->arguments, length, (const void*)begin, task, 0) != 0) return 0;
  return length;
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
  struct cpu_offsets* offsets = find_cpu_offsets();
  if (!offsets) return;
  /* Pages of files, of nobody, and shared ones; what is in the swap is not resident. */
  record->resident_pages = sum_counter(&mm->rss_stat[0], offsets) + sum_counter(&mm->rss_stat[1], offsets) +
                           sum_counter(&mm->rss_stat[3], offsets);
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

SEC("iter/task_file")
int read_task_file(struct bpf_iter__task_file___table* context) {
  struct task_struct* task = context->task;
  struct file* file = context->file;
  if (!task || !file || task->tgid != task->pid) return 0;
  if (!bpf_sock_from_file(file)) return 0;
  struct socket_descriptor descriptor = {
      .inode = ((struct file___table*)file)->f_inode->i_ino, .pid = task->tgid, .fd = context->fd};
  bpf_seq_write(context->meta->seq, &descriptor, sizeof(descriptor));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
