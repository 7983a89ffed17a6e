/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whose processes are this host's, and their numbers: in a container that is a host of its own those of its pid
 * namespace and of the ones below it, as it numbers them. */
#pragma once

#include "core_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define MOST_NESTED_NAMESPACES 8

/* Inode of the tracer's pid namespace; 0: that of the machine, which has every process under its first number. */
const volatile __u32 home_inode = 0;

static __always_inline struct upid read_number(const struct pid* pid, __u32 level) {
  struct upid number = {};
  const void* numbers = (const void*)pid + bpf_core_field_offset(pid->numbers);
  bpf_core_read(&number, sizeof(number), numbers + level * bpf_core_type_size(struct upid));
  return number;
}

/* 0: it is not in the tracer's namespace. */
static __noinline __u32 number_at_home(const struct pid* pid) {
  struct pid_namespace* namespace = read_number(pid, BPF_CORE_READ(pid, level)).ns;
  for (int depth = 0; depth < MOST_NESTED_NAMESPACES && namespace; depth++) {
    if (BPF_CORE_READ(namespace, ns.inum) == home_inode) return read_number(pid, BPF_CORE_READ(namespace, level)).nr;
    namespace = BPF_CORE_READ(namespace, parent);
  }
  return 0;
}

/* Number of the task's process; 0: it is not this host's. */
static __always_inline __u32 process_number(struct task_struct* task) {
  return home_inode ? number_at_home(task->group_leader->thread_pid) : (__u32)task->tgid;
}

/* Number of the task itself. */
static __always_inline __u32 thread_number(struct task_struct* task) {
  return home_inode ? number_at_home(task->thread_pid) : (__u32)task->pid;
}
