/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The end of an event's way in a capture: the ring. Part of session.bpf.h. */
#pragma once

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 8 * 1024 * 1024);
} events SEC(".maps");

/* The reader is woken when so much waits; it also looks by itself once in a while. */
volatile __u64 wake_at_bytes = 256 * 1024;

/* Whether somebody will read the paths of an event. */
static __always_inline bool tells_paths(const struct draft* draft) { return true; }

/* There was no room to remember that an event began. */
static __always_inline void lose_begin(__u32 kind) {
  struct kind_account* account = bpf_map_lookup_elem(&accounts, &kind);
  if (!account) return;
  count(&account->attempted);
  count(&account->no_scratch);
}

/* An event ended whose begin is not remembered. */
static __always_inline void miss_begin(__u32 kind) {}

/* Events of a CPU. */
#define LOOK_AT_RING_EVERY 16

/* Hands the event over: its fixed part, and strings behind it. */
static __always_inline void submit(struct draft* draft, __u32 fixed_bytes, __u32 string_bytes) {
  struct event_header* header = (struct event_header*)draft->record;
  if (string_bytes > MAX_STRING_BYTES) string_bytes = MAX_STRING_BYTES;
  __u32 size = (fixed_bytes + string_bytes + 7) & ~7u;
  header->size = size;
  header->strings = string_bytes;
  __u64 wake = BPF_RB_NO_WAKEUP;
  if (draft->sequence % LOOK_AT_RING_EVERY == 0 && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= wake_at_bytes)
    wake = BPF_RB_FORCE_WAKEUP;
  asm volatile("" : "+r"(size));
  if (size > RECORD_BYTES) size = RECORD_BYTES;
  if (bpf_ringbuf_output(&events, draft->record, size, wake) == 0) {
    count_end(draft, &draft->account->submitted);
  } else {
    count_end(draft, &draft->account->ring_full);
  }
  release_slot(draft);
}
