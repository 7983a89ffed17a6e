/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The few kernel types that the programs read, with the fields that they read. Offsets are those of the kernel that
 * loads them: the loader looks them up in its BTF, so the build needs no kernel headers and no BTF. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  unsigned int val;
} kuid_t;

struct cred {
  kuid_t uid;
};

/* All of it: it is copied as a whole. */
struct qstr {
  __u32 hash;
  __u32 len;
  const unsigned char* name;
};

struct inode {
  unsigned long i_ino;
  unsigned short i_mode;
};

struct dentry {
  struct dentry* d_parent;
  struct qstr d_name;
  struct inode* d_inode;
};

struct vfsmount {
  struct dentry* mnt_root;
};

struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
};

struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
};

struct fs_struct {
  struct path pwd;
};

struct file {
  struct path f_path;
  void* private_data;
};

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};

struct files_struct {
  struct fdtable* fdt;
};

typedef struct {
  long counter;
} atomic_long_t;

struct percpu_counter {
  __s64 count;
};

struct mm_struct {
  unsigned long total_vm;
  atomic_long_t pgtables_bytes;
  struct percpu_counter rss_stat[4];
  unsigned long arg_start;
  unsigned long arg_end;
  struct file* exe_file;
};

struct kernfs_node {
  __u64 id;
};

struct cgroup {
  struct kernfs_node* kn;
};

struct cgroup_subsys_state {
  struct cgroup* cgroup;
};

enum cgroup_subsys_id {
  memory_cgrp_id,
};

struct css_set {
  struct cgroup_subsys_state* subsys[16];
  struct cgroup* dfl_cgrp;
};

struct signal_struct {
  short oom_score_adj;
  int group_exit_code;
};

struct ns_common {
  unsigned int inum;
};

struct pid_namespace {
  unsigned int level;
  struct pid_namespace* parent;
  struct ns_common ns;
};

struct upid {
  int nr;
  struct pid_namespace* ns;
};

/* One number for each namespace that it is in, the machine's first. */
struct pid {
  unsigned int level;
  struct upid numbers[1];
};

struct thread_info {
  unsigned long flags;
  __u32 status; /* of x86 */
};

struct task_struct {
  struct thread_info thread_info;
  int pid;
  int tgid;
  int exit_code;
  __u64 start_boottime;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct pid* thread_pid;
  const struct cred* cred;
  char comm[16];
  struct mm_struct* mm;
  struct files_struct* files;
  struct fs_struct* fs;
  struct signal_struct* signal;
  struct css_set* cgroups;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long r10;
  unsigned long r9;
  unsigned long r8;
  unsigned long dx;
  unsigned long si;
  unsigned long di;
  unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
  unsigned long regs[31];
  unsigned long orig_x0;
  int syscallno;
};
#endif

struct in6_addr {
  __u8 bytes[16];
};

struct sock_common {
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  volatile unsigned char skc_state;
  unsigned long skc_flags;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
  struct sock_common __sk_common;
  __u16 sk_protocol;
  int sk_err;
};

struct inet_sock {
  __be16 inet_sport;
};

struct tcp_sock {
  __u64 bytes_sent;
  __u64 bytes_retrans;
  __u64 bytes_received;
  __u32 total_retrans;
};

struct request_sock {
  struct sock_common __req_common;
  __u8 num_retrans;
};

struct socket {
  struct sock* sk;
};

struct sk_buff {
  unsigned char* head;
  __u16 network_header;
  __u16 transport_header;
};

struct bpf_iter__task_file {
  struct task_struct* task;
  struct file* file;
};

struct kernel_siginfo {
  int si_code;
};

struct user_namespace {
  struct ns_common ns;
};

struct gendisk {
  int major;
  int first_minor;
  char disk_name[32];
};

struct request_queue {
  struct gendisk* disk;
};

struct request {
  struct request_queue* q;
  __u32 cmd_flags;
  __u32 __data_len;
  __u64 __sector;
};

struct seq_file;

struct bpf_iter_meta {
  struct seq_file* seq;
};

struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
};

struct linux_binprm {
  const char* filename;
};

#pragma clang attribute pop
