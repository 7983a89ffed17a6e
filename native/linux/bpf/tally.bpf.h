/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The end of an event's way in an aggregation: a row that it is added to. Part of session.bpf.h, in the place of the
 * ring. The account of a kind is then attempted = filtered + ring_full (no room for its row) + no_scratch +
 * unreadable (when it began is unknown) + what the rows count. */
#pragma once

/* Nothing is ever forgotten: what finds no room is counted as that. The loader sets the sizes. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 1);
  __type(key, struct tally_key);
  __type(value, struct tally);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 1);
  __type(key, struct tally_key);
  __type(value, struct latency_tally);
} latencies SEC(".maps");

/* Of all that was measured, whether it has a row or not. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct latency_tally);
} all_latencies SEC(".maps");

struct text {
  char bytes[MAX_PATH_BYTES];
};

/* Paths and names of devices, by number. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, struct text);
} texts SEC(".maps");

/* Nobody can prepare two texts of one number. */
const volatile __u64 text_seed = 0;

static __always_inline __u64 mix(__u64 number, __u64 word) {
  number = (number ^ word) * 0x9e3779b97f4a7c15ull;
  return number ^ number >> 32;
}

/* The number of the text, which is kept under it; 0 when there is no room. Not static, so that the verifier looks at it
 * once. */
__noinline __u64 keep_text(struct text* text, __u32 length) {
  if (!text) return 0;
  __u64 number = text_seed ^ length;
  __u32 end = length < MAX_PATH_BYTES ? length : MAX_PATH_BYTES - 1;
  for (__u32 at = 0; at < MAX_PATH_BYTES; at += sizeof(__u64)) {
    if (at + sizeof(__u64) > end) break;
    number = mix(number, *(__u64*)(text->bytes + at));
  }
  asm volatile("" : "+r"(end));
  end &= MAX_PATH_BYTES - 1;
  __u64 last = *(__u64*)(text->bytes + (end & ~7u));
  number = mix(number, last & ((1ull << 8 * (end & 7)) - 1));
  if (number == 0) number = 1;
  if (bpf_map_lookup_elem(&texts, &number)) return number;
  return bpf_map_update_elem(&texts, &number, text, BPF_ANY) == 0 ? number : 0;
}

const struct latency_tally no_latency = {};

static __always_inline void add(const struct draft* draft, __u64* figure, __u64 value) {
  if (is_alone(draft)) {
    *(volatile __u64*)figure += value;
  } else {
    __sync_fetch_and_add(figure, value);
  }
}

static __always_inline void add_to(const struct draft* draft, struct tally* tally, __u64 value) {
  add(draft, &tally->count, 1);
  if (value) add(draft, &tally->sum, value);
}

static __always_inline __u32 slot_of(__u64 nanoseconds) {
  __u32 slot = 0;
  for (__u32 bits = 32; bits > 0; bits /= 2) {
    if (nanoseconds >> bits == 0) continue;
    nanoseconds >>= bits;
    slot += bits;
  }
  return slot & (LATENCY_SLOTS - 1);
}

static __always_inline void add_latency(const struct draft* draft, struct latency_tally* to, __u64 nanoseconds) {
  add_to(draft, &to->tally, nanoseconds);
  add(draft, &to->slots[slot_of(nanoseconds)], 1);
}

/* The row of a key; NULL when there is no room for it. */
static __always_inline void* row_of(void* rows, const struct tally_key* key, const void* none) {
  void* row = bpf_map_lookup_elem(rows, key);
  if (row) return row;
  /* Another CPU may have been first. */
  bpf_map_update_elem(rows, key, none, BPF_NOEXIST);
  return bpf_map_lookup_elem(rows, key);
}

/* Adds bytes, or nanoseconds of a question of latencies. */
static __always_inline void add_up(const struct draft* draft, const struct tally_key* key, __u64 value) {
  if (!measures_latency) {
    const struct tally none = {};
    struct tally* row = row_of(&counts, key, &none);
    if (row) {
      add_to(draft, row, value);
    } else {
      count_end(draft, &draft->account->ring_full);
    }
    return;
  }
  __u32 zero = 0;
  struct latency_tally* all = bpf_map_lookup_elem(&all_latencies, &zero);
  if (all) add_latency(draft, all, value);
  struct latency_tally* row = row_of(&latencies, key, &no_latency);
  if (row) {
    add_latency(draft, row, value);
  } else {
    count_end(draft, &draft->account->ring_full);
  }
}

/* The part of a key that every event has. */
static __always_inline void name_owner(struct tally_key* key, const struct owner* owner) {
  if (counted_by == BY_PROCESS) {
    key->number = owner->pid;
    key->start_ns = owner->start_ns;
  }
  if (counted_by == BY_PROCESS || counted_by == BY_COMM)
    bpf_probe_read_kernel_str(key->text, sizeof(key->text), owner->comm);
  if (counted_by == BY_CGROUP) key->number = owner->cgroup_id;
  if (counted_by == BY_USER) key->number = owner->user_id;
}
