/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every program of a session shares: the accounts, the filter, and the way of an event through them.
 * Each session loads its own copy, so that sessions know nothing of each other, and nothing is left when its process is
 * gone. */
#pragma once

#include "core_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stddef.h>

#include "event_layout.h"
#include "home.bpf.h"
#include "network_layout.h"
#include "session_layout.h"

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, EVENT_KINDS);
  __type(key, __u32);
  __type(value, struct kind_account);
} accounts SEC(".maps");

struct cpu_state {
  __u64 sequence;
  __u64 tokens; /* of the rate limit */
  __u64 refilled_ns;
  __u32 used_slots; /* bit of each scratch slot in use */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_state);
} cpu_states SEC(".maps");

struct scratch {
  __u8 bytes[SCRATCH_BYTES];
};

/* Records are put together here: SCRATCH_SLOTS for each CPU (the loader sets the size). One is in use by a task,
 * another by what interrupts it, and so on. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SCRATCH_SLOTS);
  __type(key, __u32);
  __type(value, struct scratch);
} scratches SEC(".maps");

volatile struct filter filter = {};
/* Of all events on one CPU; 0: no limit; NO_EVENTS: nothing is let through. */
volatile __u64 events_per_second = 0;
volatile __u32 page_bytes = 4096;

/* An event that is being put together. */
struct draft {
  struct kind_account* account;
  struct cpu_state* cpu;
  __u8* record;
  __u64 generation_and_criteria; /* of the filter when it began */
  __u64 time_ns;
  __u64 sequence;
  __u32 kind;
  __u32 slot;
  bool is_admitted;
};

static __always_inline __u64 cgroup_of(struct task_struct* task) { return task->cgroups->dfl_cgrp->kn->id; }

/* Who did it, as the header of a record has it from start_ns on. */
struct owner {
  __u64 start_ns;
  __u64 cgroup_id;
  __u32 pid; /* 0: nobody knows, or not of this host */
  __u32 tid;
  __u32 parent_pid;
  __u32 user_id;
  char comm[COMM_BYTES];
  /* Behind the header's end. */
  __u32 kernel_pid; /* number on the machine */
  __u32 zero;
};
_Static_assert(sizeof(struct event_header) - offsetof(struct event_header, start_ns) ==
                   offsetof(struct owner, kernel_pid),
               "an owner begins as a header ends");

static __always_inline void describe(struct task_struct* task, struct owner* owner) {
  struct task_struct* leader = task->group_leader;
  owner->start_ns = leader->start_boottime;
  owner->cgroup_id = cgroup_of(task);
  owner->pid = process_number(task);
  owner->tid = thread_number(task);
  owner->parent_pid = process_number(leader->real_parent);
  owner->user_id = task->cred->uid.val;
  __builtin_memcpy(owner->comm, leader->comm, sizeof(owner->comm));
  owner->kernel_pid = task->tgid;
  owner->zero = 0;
}

/* What an event is of: a task that runs, or, where the kernel works for somebody else, the owner that was kept; and the
 * ends of its socket if it has one. */
struct event_subject {
  struct task_struct* task;
  const struct owner* owner; /* NULL: the task */
  const struct endpoints* endpoints;
  struct task_struct* other; /* to whom it was done, or NULL */
};

#include "filter.bpf.h"

#ifdef AGGREGATION
#include "tally_question.bpf.h"
#endif

#include "draft.bpf.h"

#ifdef AGGREGATION
#include "tally.bpf.h"

#include "tally_event.bpf.h"
#else
#include "submit.bpf.h"
#endif
