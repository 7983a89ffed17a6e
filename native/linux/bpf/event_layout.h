/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records on their way from the kernel's programs to TypeScript: one header, then what the kind has, then strings, then
 * whatever was there before, up to a multiple of 8. In the machine's byte order.
 * services/providers/linux/capture/event-layout.ts says the same. */
#pragma once

#include <linux/types.h>

#define EVENT_LAYOUT_VERSION 2
#define COMM_BYTES 16
#define MAX_ARGV_BYTES 2048
#define MAX_PATH_BYTES 4096

enum event_kind {
  EVENT_NONE = 0,
  EVENT_EXEC = 1,
  EVENT_FORK = 2,
  EVENT_EXIT = 3,
  EVENT_FILE_OPEN = 4,
  EVENT_TCP_CONNECT = 8,
  EVENT_TCP_ACCEPT = 9,
  EVENT_TCP_CLOSE = 10,
  EVENT_TCP_RETRANSMIT = 11,
  EVENT_TCP_RESET = 12,
  EVENT_UDP_SEND = 13,
  EVENT_DNS_QUERY = 14,
  EVENT_DNS_ANSWER = 15,
  EVENT_FILE_RENAME = 16,
  EVENT_FILE_UNLINK = 17,
  EVENT_FILE_READ = 18,
  EVENT_FILE_WRITE = 19,
  EVENT_SIGNAL = 20,
  EVENT_OOM_KILL = 21,
  EVENT_CAPABILITY_CHECK = 22,
  EVENT_MODULE_LOAD = 23,
  EVENT_MOUNT = 24,
  EVENT_UMOUNT = 25,
  EVENT_BLOCK_IO = 26,
  EVENT_KINDS = 28,
};

struct event_header {
  __u16 size; /* of the whole record */
  __u8 kind;
  __u8 flags;
  __u16 cpu;
  __u16 strings;  /* bytes after the fixed part, before the padding */
  __u64 sequence; /* of its CPU, counting every event that passed the filter: a gap is a drop */
  __u64 time_ns;  /* since boot */
  __u64 start_ns; /* when its process started, since boot; with pid it names the process for ever */
  __u64 cgroup_id;
  __u32 pid;
  __u32 tid;
  __u32 parent_pid;
  __u32 user_id;
  char comm[COMM_BYTES];
};

/* Strings: filename, a zero, argv with zeros between. */
struct exec_event {
  struct event_header header;
  __u16 filename_bytes;   /* with the zero */
  __u16 argv_bytes;       /* that are here */
  __u32 argv_total_bytes; /* that there are */
};

struct fork_event {
  struct event_header header;
  __u64 child_start_ns;
  __u32 child_pid;
  __u32 child_tid;
};

struct exit_event {
  struct event_header header;
  __u64 lived_ns;
  __u32 exit_code;  /* as wait(2) gives it: status and signal */
  __u32 is_process; /* 1 for the last thread of its process */
};

/* What became of the events of one kind on one CPU. attempted = filtered + rate_limited + ring_full + no_scratch +
 * unreadable + submitted. */
struct kind_account {
  __u64 attempted;
  __u64 filtered;
  __u64 rate_limited;
  __u64 ring_full;
  __u64 no_scratch;
  __u64 unreadable;
  __u64 submitted;
};
