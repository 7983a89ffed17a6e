/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every program of a session shares: the ring, the accounts, the filter, and the way of an event through them.
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
#include "network_layout.h"
#include "session_layout.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, struct filter_key);
  __type(value, __u8);
} filter_values SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 8192);
  __type(key, struct network_key);
  __type(value, __u8);
} filter_networks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

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
/* The reader is woken when so much waits; it also looks by itself once in a while. */
volatile __u64 wake_at_bytes = 256 * 1024;
/* Of all events on one CPU; 0: no limit. */
volatile __u64 events_per_second = 0;

/* An event that is being put together. */
struct draft {
  struct kind_account* account;
  struct cpu_state* cpu;
  __u8* record;
  __u32 slot;
};

static __always_inline __u64 cgroup_of(struct task_struct* task) { return task->cgroups->dfl_cgrp->kn->id; }

/* Who did it, as the header of a record has it from start_ns on. */
struct owner {
  __u64 start_ns;
  __u64 cgroup_id;
  __u32 pid; /* 0: nobody knows */
  __u32 tid;
  __u32 parent_pid;
  __u32 user_id;
  char comm[COMM_BYTES];
};
_Static_assert(sizeof(struct event_header) - offsetof(struct event_header, start_ns) == sizeof(struct owner),
               "an owner is the end of a header");

static __always_inline void describe(struct task_struct* task, struct owner* owner) {
  struct task_struct* leader = task->group_leader;
  owner->start_ns = leader->start_boottime;
  owner->cgroup_id = cgroup_of(task);
  owner->pid = task->tgid;
  owner->tid = task->pid;
  owner->parent_pid = leader->real_parent->tgid;
  owner->user_id = task->cred->uid.val;
  __builtin_memcpy(owner->comm, leader->comm, sizeof(owner->comm));
}

/* What an event is of: a task that runs, or, where the kernel works for somebody else, the owner that was kept; and the
 * ends of its socket if it has one. */
struct event_subject {
  struct task_struct* task;
  const struct owner* owner; /* NULL: the task */
  const struct endpoints* endpoints;
};

#include "filter.bpf.h"

static __always_inline void count(__u64* counter) { __sync_fetch_and_add(counter, 1); }

/* A bucket for each CPU, refilled by the clock, that holds a tenth of a second. */
static __always_inline bool takes_token(struct cpu_state* cpu, __u64 now_ns) {
  __u64 rate = events_per_second;
  if (rate == 0) return true;
  __u64 earned = (now_ns - cpu->refilled_ns) * rate / 1000000000;
  if (earned > 0) {
    __u64 most = rate / 10 + 1;
    __u64 tokens = cpu->tokens + earned;
    cpu->tokens = tokens > most ? most : tokens;
    cpu->refilled_ns = now_ns;
  }
  if (cpu->tokens == 0) return false;
  cpu->tokens--;
  return true;
}

/* Claims a free slot. Somebody who interrupts finds its bit set. */
static __always_inline bool claim_slot(struct draft* draft) {
  for (__u32 slot = 0; slot < SCRATCH_SLOTS; slot++) {
    if (__sync_fetch_and_or(&draft->cpu->used_slots, 1u << slot) & (1u << slot)) continue;
    __u32 index = bpf_get_smp_processor_id() * SCRATCH_SLOTS + slot;
    struct scratch* scratch = bpf_map_lookup_elem(&scratches, &index);
    draft->slot = slot;
    draft->record = scratch ? scratch->bytes : NULL;
    return scratch != NULL;
  }
  return false;
}

static __always_inline void release_slot(struct draft* draft) {
  __sync_fetch_and_and(&draft->cpu->used_slots, ~(1u << draft->slot));
}

/* Begins an event. False when it ends here, and is counted as what it came to. */
static __always_inline bool begin_of(struct draft* draft, __u32 kind, const struct event_subject* subject) {
  __u32 zero = 0;
  draft->account = bpf_map_lookup_elem(&accounts, &kind);
  draft->cpu = bpf_map_lookup_elem(&cpu_states, &zero);
  if (!draft->account || !draft->cpu) return false;
  if (!(filter.kinds & (1u << kind))) return false;
  count(&draft->account->attempted);
  if (!passes(subject)) {
    count(&draft->account->filtered);
    return false;
  }
  __u64 now_ns = bpf_ktime_get_boot_ns();
  if (!takes_token(draft->cpu, now_ns)) {
    count(&draft->account->rate_limited);
    return false;
  }
  __u64 sequence = __sync_fetch_and_add(&draft->cpu->sequence, 1);
  if (!claim_slot(draft)) {
    count(&draft->account->no_scratch);
    return false;
  }
  struct event_header* header = (struct event_header*)draft->record;
  header->kind = kind;
  header->flags = 0;
  header->strings = 0;
  header->cpu = bpf_get_smp_processor_id();
  header->sequence = sequence;
  header->time_ns = now_ns;
  struct owner* owner = (struct owner*)(draft->record + offsetof(struct event_header, start_ns));
  if (subject->owner) {
    *owner = *subject->owner;
  } else {
    describe(subject->task, owner);
  }
  return true;
}

/* Begins an event of this task. */
static __always_inline bool begin(struct draft* draft, __u32 kind, struct task_struct* task) {
  const struct event_subject subject = {.task = task};
  return begin_of(draft, kind, &subject);
}

/* Ends an event that cannot be told because memory of its process could not be read. */
static __always_inline void abandon(struct draft* draft) {
  count(&draft->account->unreadable);
  release_slot(draft);
}

/* Hands the event over: its fixed part, and strings behind it. */
static __always_inline void submit(struct draft* draft, __u32 fixed_bytes, __u32 string_bytes) {
  struct event_header* header = (struct event_header*)draft->record;
  if (string_bytes > SCRATCH_BYTES / 2) string_bytes = SCRATCH_BYTES / 2;
  __u32 size = (fixed_bytes + string_bytes + 7) & ~7u;
  header->size = size;
  header->strings = string_bytes;
  __u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
  __u64 wake = waiting >= wake_at_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
  asm volatile("" : "+r"(size));
  size &= SCRATCH_BYTES - 1;
  if (bpf_ringbuf_output(&events, draft->record, size, wake) == 0) {
    count(&draft->account->submitted);
  } else {
    count(&draft->account->ring_full);
  }
  release_slot(draft);
}
