/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Fields of the kernel that only the iterators read: the loader ignores what follows the three underscores. */
#pragma once

#include "core_types.h"

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

struct inode___table;

struct file___table {
  struct inode___table* f_inode;
};

struct super_block___table {
  unsigned long s_magic;
};

struct inode___table {
  unsigned short i_mode;
  unsigned long i_ino;
  struct super_block___table* i_sb;
};

struct fdtable___table {
  unsigned long* open_fds;
};

struct inet_sock___table {
  struct sock sk;
};

struct udp_sock___table {
  struct inet_sock___table inet;
};

struct bpf_iter__tcp___table {
  struct bpf_iter_meta___table* meta;
  struct sock_common* sk_common;
};

struct bpf_iter__udp___table {
  struct bpf_iter_meta___table* meta;
  struct udp_sock___table* udp_sk;
};

struct sock___inode {
  struct socket* sk_socket;
  unsigned long sk_ino;
};

struct socket_alloc {
  struct inode vfs_inode;
};

struct inet_timewait_sock {
  volatile unsigned char tw_substate;
};

struct tcp_timewait_sock {
  struct inet_timewait_sock tw_sk;
};

struct bpf_array {
  void* pptrs[0];
};

#pragma clang attribute pop
