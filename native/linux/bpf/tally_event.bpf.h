/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an aggregation makes of the events that a capture would tell: the record is put together as for the ring, and
 * its row is found by it. Part of session.bpf.h. */
#pragma once

#include "file_layout.h"
#include "system_layout.h"

/* Whether somebody will read the paths of an event. */
static __always_inline bool tells_paths(const struct draft* draft) {
  return counted_by == BY_PATH || ((__u32)draft->generation_and_criteria & FILTER_PATH);
}

/* When an event ends whose begin is not remembered, it is counted as that. */
static __always_inline void lose_begin(__u32 kind) {}

/* Nobody knows whose it was. */
static __always_inline void miss_begin(__u32 kind) {
  const struct owner nobody = {};
  const struct event_subject subject = {.owner = &nobody};
  struct draft draft;
  if (attempt(&draft, kind, &subject)) count_end(&draft, &draft.account->unreadable);
}

static __always_inline bool is_transfer(void) {
  return counted_kind == EVENT_FILE_READ || counted_kind == EVENT_FILE_WRITE;
}

/* A connection that did not come about is none. */
static __always_inline bool is_counted(const struct draft* draft) {
  if (counted_kind == EVENT_TCP_CONNECT) return ((struct tcp_connect_event*)draft->record)->result == 0;
  return counted_kind != EVENT_TCP_ACCEPT || ((struct tcp_accept_event*)draft->record)->result >= 0;
}

/* False when it is not known. */
static __always_inline bool read_value(const struct draft* draft, __u64* value) {
  const struct event_header* header = (const struct event_header*)draft->record;
  if (is_transfer()) {
    __s64 bytes = ((struct file_transfer_event*)draft->record)->result;
    *value = bytes > 0 ? bytes : 0;
  } else if (counted_kind == EVENT_BLOCK_IO) {
    const struct block_io_event* request = (const struct block_io_event*)draft->record;
    *value = measures_latency ? request->latency_ns : request->bytes;
  } else if (counted_kind == EVENT_TCP_CONNECT && measures_latency) {
    *value = ((struct tcp_connect_event*)draft->record)->latency_ns;
    return header->flags & EVENT_FLAG_SINCE_KNOWN;
  }
  return true;
}

/* False when there is no room for its text. */
static __always_inline bool name_event(const struct draft* draft, struct tally_key* key, __u32 fixed_bytes,
                                       __u32 string_bytes) {
  name_owner(key, (struct owner*)(draft->record + offsetof(struct event_header, start_ns)));
  if (counted_by == BY_REMOTE) {
    const struct endpoints* endpoints = &((struct network_event*)draft->record)->endpoints;
    __builtin_memcpy(key->text, endpoints->remote_address, sizeof(key->text));
    key->number = endpoints->remote_port;
  }
  if (counted_by == BY_PATH) {
    __u32 bytes = counted_kind == EVENT_EXEC ? ((struct exec_event*)draft->record)->filename_bytes : string_bytes;
    key->number = keep_text((struct text*)(draft->record + fixed_bytes), bytes);
    return key->number != 0;
  }
  if (counted_by == BY_DEVICE) {
    struct block_io_event* request = (struct block_io_event*)draft->record;
    key->number = keep_text((struct text*)request->disk, sizeof(request->disk));
    return key->number != 0;
  }
  return true;
}

/* Ends an event: its fixed part, and strings behind it, are put together. */
static __always_inline void submit(struct draft* draft, __u32 fixed_bytes, __u32 string_bytes) {
  struct tally_key key = {};
  __u64 value = 0;
  if (!is_counted(draft)) {
    count_end(draft, &draft->account->filtered);
  } else if (!read_value(draft, &value)) {
    count_end(draft, &draft->account->unreadable);
  } else if (name_event(draft, &key, fixed_bytes, string_bytes)) {
    add_up(draft, &key, value);
  } else {
    count_end(draft, &draft->account->ring_full);
  }
  release_slot(draft);
}
