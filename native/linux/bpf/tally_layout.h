/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an aggregation keeps in the kernel, and how it is asked. services/providers/linux/aggregate/decode-reading.ts
 * says the same of keys and tallies. */
#pragma once

#include <linux/types.h>

#define TALLY_TEXT_BYTES 16
/* Slot n is of 2^n nanoseconds and more, up to the next. */
#define LATENCY_SLOTS 64

/* What a key tells apart. As TraceKey of trace/v1. */
enum tally_part {
  BY_NONE = 0,
  BY_PROCESS = 1,
  BY_COMM = 2,
  BY_SYSCALL = 3,
  BY_PATH = 4,
  BY_REMOTE = 5,
  BY_CGROUP = 6,
  BY_USER = 7,
  BY_DEVICE = 8,
};

/* With the number of a system call of a 32-bit program. */
#define COMPAT_CALL (1ull << 32)

struct tally_key {
  __u64 number; /* pid, system call, cgroup, user or port; of a path and a device, that of its text */
  __u64 start_ns;
  __u8 text[TALLY_TEXT_BYTES]; /* of a process and a comm the name; of a remote end the address */
};

struct tally {
  __u64 count;
  __u64 sum; /* of bytes, or of nanoseconds */
};

struct latency_tally {
  struct tally tally;
  __u64 slots[LATENCY_SLOTS];
};
