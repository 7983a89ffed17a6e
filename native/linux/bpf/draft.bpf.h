/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The way of an event from its attempt into the ring, and its account. Part of session.bpf.h. */
#pragma once

#include "count.bpf.h"

#ifndef AGGREGATION
static __always_inline __u64 event_time(void) { return bpf_ktime_get_boot_ns(); }
#endif

/* A bucket for each CPU, refilled by the clock, that holds a tenth of a second. */
static __always_inline bool takes_token(struct cpu_state* cpu, __u64 now_ns) {
  __u64 rate = events_per_second;
  if (rate == 0) return true;
  if (rate == NO_EVENTS) return false;
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

static __always_inline bool take_slot(struct draft* draft, __u32 slot) {
  __u32 index = bpf_get_smp_processor_id() * SCRATCH_SLOTS + slot;
  struct scratch* scratch = bpf_map_lookup_elem(&scratches, &index);
  draft->slot = slot;
  draft->record = scratch ? scratch->bytes : NULL;
  return scratch != NULL;
}

/* Claims a free slot. Somebody who interrupts finds its bit set. The first one is that of system calls. */
static __always_inline bool claim_slot(struct draft* draft) {
  if (is_alone(draft)) return take_slot(draft, 0);
  for (__u32 slot = 1; slot < SCRATCH_SLOTS; slot++) {
    if (__sync_fetch_and_or(&draft->cpu->used_slots, 1u << slot) & (1u << slot)) continue;
    return take_slot(draft, slot);
  }
  return false;
}

static __always_inline void release_slot(struct draft* draft) {
  if (!is_alone(draft)) __sync_fetch_and_and(&draft->cpu->used_slots, ~(1u << draft->slot));
}

/* False when the event ends here: nobody wants it, or the filter does not. */
static __always_inline bool attempt(struct draft* draft, __u32 kind, const struct event_subject* subject) {
  __u32 zero = 0;
  draft->kind = kind;
  draft->account = bpf_map_lookup_elem(&accounts, &kind);
  draft->cpu = bpf_map_lookup_elem(&cpu_states, &zero);
  if (!draft->account || !draft->cpu) return false;
  if (!(filter.kinds & (1u << kind))) return false;
  count_end(draft, &draft->account->attempted);
  draft->is_admitted = false;
  draft->generation_and_criteria = filter.generation_and_criteria;
  draft->time_ns = event_time();
  if (passes(draft->generation_and_criteria, subject)) return true;
  count_end(draft, &draft->account->filtered);
  return false;
}

/* After the last filter. */
static __always_inline bool admit(struct draft* draft) {
  if (!takes_token(draft->cpu, draft->time_ns)) {
    count_end(draft, &draft->account->rate_limited);
    return false;
  }
  draft->sequence = __sync_fetch_and_add(&draft->cpu->sequence, 1);
  draft->is_admitted = true;
  return true;
}

static __always_inline bool open_record(struct draft* draft, __u32 kind, const struct event_subject* subject) {
  if (!claim_slot(draft)) {
    count_end(draft, &draft->account->no_scratch);
    /* It leaves a gap also when a filter would have come after this. */
    if (!draft->is_admitted) __sync_fetch_and_add(&draft->cpu->sequence, 1);
    return false;
  }
  struct event_header* header = (struct event_header*)draft->record;
  header->kind = kind;
  header->flags = 0;
  header->strings = 0;
  header->cpu = bpf_get_smp_processor_id();
  header->sequence = draft->sequence;
  header->time_ns = draft->time_ns;
  /* It reaches into what is behind the header, which the event writes after this. */
  struct owner* owner = (struct owner*)(draft->record + offsetof(struct event_header, start_ns));
  if (subject->owner) {
    *owner = *subject->owner;
  } else {
    describe(subject->task, owner);
  }
  return true;
}

/* Begins an event. False when it ends here, and is counted as what it came to. */
static __always_inline bool begin_of(struct draft* draft, __u32 kind, const struct event_subject* subject) {
  return attempt(draft, kind, subject) && admit(draft) && open_record(draft, kind, subject);
}

/* Begins an event of this task. */
static __always_inline bool begin(struct draft* draft, __u32 kind, struct task_struct* task) {
  const struct event_subject subject = {.task = task};
  return begin_of(draft, kind, &subject);
}

/* Ends an event that cannot be told because memory of its process could not be read. */
static __always_inline void abandon(struct draft* draft) {
  count_end(draft, &draft->account->unreadable);
  release_slot(draft);
}
