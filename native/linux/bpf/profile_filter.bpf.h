/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whose samples a CPU profile wants. Set before the program is loaded. */
#pragma once

#include "core_types.h"

#include <bpf/bpf_helpers.h>

#include "home.bpf.h"

#define HIGHEST_CGROUP_LEVEL 16

/* The loader sets the sizes. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, __u8);
} wanted_pids SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, __u8);
} wanted_cgroups SEC(".maps");

/* A bool would be a _Bool in the skeleton, which C++ does not have. */
const volatile __u8 filter_pids = 0;
const volatile __u8 filter_cgroups = 0;

/* The task's cgroup or one above it is wanted: a container may have groups of its own. */
static __always_inline bool is_in_wanted_cgroup(void) {
  for (int level = 0; level < HIGHEST_CGROUP_LEVEL; level++) {
    __u64 cgroup = bpf_get_current_ancestor_cgroup_id(level);
    if (cgroup == 0) return false;
    if (bpf_map_lookup_elem(&wanted_cgroups, &cgroup)) return true;
  }
  return false;
}

static __always_inline bool is_wanted(__u64 pid) {
  if (filter_pids && !bpf_map_lookup_elem(&wanted_pids, &pid)) return false;
  return !filter_cgroups || is_in_wanted_cgroup();
}
