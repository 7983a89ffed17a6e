/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records on their way from the iterators to native/linux/iterators. In the machine's byte order. */
#pragma once

#include <linux/types.h>

/* A longer command line is left to /proc: a record must fit the kernel's buffer of eight pages. */
#define MAX_ITERATED_ARGUMENT_BYTES 16384
/* What a program may show of a title that it wrote over its arguments. */
#define MAX_TITLE_BYTES 4096

/* What one process may hold to be told at once: the kernel's buffer has room for twice as many. */
#define MAX_ITERATED_SOCKETS 1024
/* In the place of an inode: this process holds more, and what is told of it is not all. */
#define TOO_MANY_SOCKETS (~0ull)

/* Of the bitmap of sockets that are asked for. */
#define WANTED_WORDS 1024
/* Of any bitmap. */
#define BITS_OF_WORD 64

/* Nanoseconds of CPU time: as the clock's ticks saw it, and as the scheduler measured it. */
struct task_cpu {
  __u64 user_ns;
  __u64 system_ns;
  __u64 run_ns;
};

/* A thread that is not the first of its process has this much of a record. */
struct task_head {
  __u32 size; /* of the whole record */
  __u32 pid;  /* of the process */
  __u32 tid;
  __u32 argument_bytes; /* behind the record */
  struct task_cpu cpu;
};

struct task_record {
  struct task_head head;
  struct task_cpu ended;    /* threads that have ended */
  struct task_cpu reported; /* what /proc has once told: it never goes back; run_ns is unused */
  __u64 start_ns;           /* since boot */
  __s64 resident_pages;
  __u64 argument_total_bytes;
  __u32 parent_pid;
  __u32 user_id;
  __u32 flags;
  __u32 state;
  __u32 exit_state;
  __u32 thread_count;
  char comm[16];
};

/* Has the form of the SocketRecord that JavaScript gets. */
struct socket_descriptor {
  __u64 inode;
  __u32 pid;
  __u32 fd;
};

/* Has the form of the InetSocketRecord that JavaScript gets. */
struct inet_socket {
  __u64 inode;
  __u32 state;
  __u16 family;
  __u16 port;
  __u16 remote_port;
  __u16 reserved[3];
  __u8 address[16];
  __u8 remote_address[16];
};
