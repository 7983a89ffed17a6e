/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Counting what becomes of events. Part of session.bpf.h. */
#pragma once

static __always_inline void count(__u64* counter) { __sync_fetch_and_add(counter, 1); }

/* Kinds that the end of a system call shows and nothing else: their program is never interrupted by itself, so that no
 * other on its CPU counts what it counts. */
#define OF_CALLS_ALONE                                                                                 \
  (1u << EVENT_FILE_OPEN | 1u << EVENT_FILE_RENAME | 1u << EVENT_FILE_UNLINK | 1u << EVENT_FILE_READ | \
   1u << EVENT_FILE_WRITE | 1u << EVENT_MODULE_LOAD | 1u << EVENT_MOUNT | 1u << EVENT_UMOUNT)

/* The same holds of what an aggregation counts that is no event: system calls as they begin, and switches of threads.
 */
#ifdef AGGREGATION
#define ALONE (OF_CALLS_ALONE | 1u << EVENT_NONE)
#else
#define ALONE OF_CALLS_ALONE
#endif

static __always_inline bool is_alone(const struct draft* draft) { return (1u << draft->kind) & ALONE; }

static __always_inline void count_end(const struct draft* draft, __u64* counter) {
  if (is_alone(draft)) {
    *(volatile __u64*)counter += 1;
  } else {
    count(counter);
  }
}
