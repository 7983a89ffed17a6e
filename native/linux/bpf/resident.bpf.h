/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How much of a process is in memory: a counter, and what each CPU has not added to it yet. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "iterator_types.h"

/* Set before the load. */
const volatile __u32 cpu_count = 1;

#define MAX_CPUS 1024

/* Where each CPU's own memory lies. The symbol that says so is not in every kernel's list, so it is measured: by where
 * the cell of each CPU is in a map that has one for each. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} cells SEC(".maps");

struct cpu_offsets {
  __u64 map; /* address of the map of cells */
  __u64 by_cpu[MAX_CPUS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_offsets);
} cpu_offsets_once SEC(".maps");

static __always_inline struct cpu_offsets* find_cpu_offsets(void) {
  __u32 zero = 0;
  struct cpu_offsets* offsets = bpf_map_lookup_elem(&cpu_offsets_once, &zero);
  if (!offsets || offsets->map) return offsets;
  *(volatile void**)&offsets->map = &cells;
  struct bpf_array* array = (struct bpf_array*)*(volatile __u64*)&offsets->map;
  void* cell = NULL;
  bpf_probe_read_kernel(&cell, sizeof(cell), &array->pptrs[0]);
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++)
    *(volatile void**)&offsets->by_cpu[cpu] = bpf_map_lookup_percpu_elem(&cells, &zero, cpu);
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++) offsets->by_cpu[cpu] -= (__u64)cell;
  return offsets;
}

static __always_inline __s64 sum_counter(struct percpu_counter___table* counter, struct cpu_offsets* offsets) {
  __s64 sum = counter->count;
  void* parts = counter->counters;
  for (__u32 cpu = 0; cpu < cpu_count && cpu < MAX_CPUS; cpu++) {
    __s32 part = 0;
    bpf_probe_read_kernel(&part, sizeof(part), parts + offsets->by_cpu[cpu]);
    sum += part;
  }
  return sum > 0 ? sum : 0;
}

/* Pages of files, of nobody, and shared ones; what is in the swap is not resident. 0 when it cannot be known. */
static __always_inline __u64 count_resident_pages(struct mm_struct___table* mm) {
  struct cpu_offsets* offsets = find_cpu_offsets();
  if (!offsets) return 0;
  return sum_counter(&mm->rss_stat[0], offsets) + sum_counter(&mm->rss_stat[1], offsets) +
         sum_counter(&mm->rss_stat[3], offsets);
}
