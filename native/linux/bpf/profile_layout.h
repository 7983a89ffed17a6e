/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a CPU profile keeps in the kernel: which process was on a CPU with which stacks, and how often. */
#pragma once

#include <linux/types.h>

#define PROFILE_COMM_BYTES 16
/* As many as the kernel walks by default (kernel.perf_event_max_stack). */
#define PROFILE_STACK_FRAMES 127

/* In the place of a stack's number. */
#define PROFILE_STACK_NONE 0       /* there is none: in user mode, or of a kernel thread */
#define PROFILE_STACK_LOST 1       /* there was no room for another stack */
#define PROFILE_STACK_UNREADABLE 2 /* the kernel could not walk it */

struct profile_stack {
  __u64 depth;
  __u64 addresses[PROFILE_STACK_FRAMES]; /* innermost first */
};

struct profile_process {
  __u64 start_ns; /* since boot; with pid it names the process for ever */
  __u32 pid;
  __u32 reserved;
  char comm[PROFILE_COMM_BYTES]; /* changes when the process becomes another program */
};

struct profile_key {
  struct profile_process process;
  __u64 user_stack; /* number of a profile_stack, or one of the words above */
  __u64 kernel_stack;
};

/* What became of the samples: taken = idle + filtered + counted + uncounted. The others say of how many counted samples
 * a stack is missing or not whole. */
struct profile_account {
  __u64 taken;
  __u64 idle;
  __u64 filtered;
  __u64 counted;
  __u64 uncounted; /* no room for another combination of process and stacks */
  __u64 lost_stacks;
  __u64 unreadable_stacks;
  __u64 cut_stacks; /* as deep as the kernel walks, and probably deeper */
};
