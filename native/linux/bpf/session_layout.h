/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a session tells its programs. */
#pragma once

#include <linux/types.h>

#include "event_layout.h"

/* A record, and behind it room to work. */
#define MAX_STRING_BYTES (4 * MAX_PATH_BYTES)
#define RECORD_BYTES (MAX_STRING_BYTES + 256)
#define SCRATCH_BYTES (RECORD_BYTES + 5120)
#define SCRATCH_SLOTS 4

/* A rate. */
#define NO_EVENTS (~0ULL)

enum filter_criterion {
  FILTER_PID = 1,
  FILTER_CGROUP = 2,
  FILTER_USER = 4,
  FILTER_COMM = 8,
  FILTER_TREE = 16, /* its values are the roots; the processes are tagged */
  FILTER_PATH = 32, /* only for events that have a path */
  /* Of either end, and only for events that have two. */
  FILTER_PORT = 256,
  FILTER_NETWORK = 512,
};

/* Written by the session while programs run. */
struct filter {
  /* Criteria, all of which must hold with one of their values, and above them the generation of these values. One word,
   * so that a program sees the filter before a change or the one after it, and nothing between. */
  __u64 generation_and_criteria;
  __u32 excluded_pid; /* the tracer itself */
  __u32 kinds;        /* bit of each wanted kind */
};

struct filter_key {
  __u32 generation;
  __u32 criterion;
  char value[COMM_BYTES];
};

/* Of a longest-prefix map: all of the generation and the family, and so much of the address. */
struct network_key {
  __u32 prefix_bits;
  __u32 generation;
  __u32 family;
  __u8 address[16]; /* of IPv4: the first four */
};

/* Of a longest-prefix map: all of the generation, and the names with a slash behind each, so that /var/log is the
 * beginning of /var/log/syslog and not of /var/logs. */
#define MAX_PREFIX_BYTES 248
struct path_prefix_key {
  __u32 prefix_bits;
  __u32 generation;
  char path[MAX_PREFIX_BYTES];
};

struct process_key {
  __u64 start_ns;
  __u32 pid;
  __u32 zero;
};

/* In a tree of these generations, the even one and the odd one, so that the next filter can be prepared under the one
 * that holds. */
struct tree_tag {
  __u32 generations[2];
};
