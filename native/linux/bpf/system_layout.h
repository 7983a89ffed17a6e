/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records of events of the system. services/providers/linux/capture/decode-system.ts says the same. */
#pragma once

#include "event_layout.h"

/* The header is the sender's, which is whoever ran when the kernel itself was the sender. */
struct signal_event {
  struct event_header header;
  __u64 target_start_ns;
  __u32 target_pid;
  __u32 target_tid;
  __u32 signal;
  __s32 code;   /* si_code */
  __u32 result; /* 0 delivered, 1 ignored, 2 already pending, 3 queue full, 4 delivered without its details */
  __u32 is_from_kernel;
  char target_comm[COMM_BYTES];
};

/* The header is the victim's. */
struct oom_kill_event {
  struct event_header header;
  __u64 memory_cgroup_id; /* in the hierarchy that accounts memory */
  __u64 virtual_bytes;
  __u64 anonymous_bytes;
  __u64 file_bytes;
  __u64 shared_bytes;
  __u64 page_table_bytes;
  __s32 score_adjustment;
  __u32 trigger_pid; /* whose need for memory it was */
  char trigger_comm[COMM_BYTES];
};

struct capability_check_event {
  struct event_header header;
  __u32 capability;
  __s32 result;         /* 0, or a negative errno */
  __u32 user_namespace; /* inode of the namespace that it was asked for */
  __u32 zero;
};

/* The header is that of who handed it to the device, at the time when it was done. */
struct block_io_event {
  struct event_header header;
  __u64 sector; /* of 512 bytes */
  __u64 latency_ns;
  __u32 bytes;
  __u32 operation; /* REQ_OP_ */
  __s32 result;    /* 0, or the kernel's number of the error */
  __u32 major;
  __u32 minor;
  __u32 zero;
  char disk[32];
};
