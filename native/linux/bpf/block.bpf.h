/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests to block devices, from when a device gets one until it is done. */
#pragma once

#include "session.bpf.h"
#include "system_layout.h"

#define OPERATION_BITS 0xff

struct pending_request {
  struct owner owner;
  __u64 since_ns;
  __u64 sector;
  __u32 bytes;
  __u32 operation;
};

/* By the address of the request, which is used again when it is done. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct pending_request);
} pending_requests SEC(".maps");

/* Whose it is, is known here alone. */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_block_issue, struct request* request) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  struct pending_request pending = {.since_ns = bpf_ktime_get_boot_ns(),
                                    .sector = request->__sector,
                                    .bytes = request->__data_len,
                                    .operation = request->cmd_flags & OPERATION_BITS};
  describe(task, &pending.owner);
  __u64 key = (__u64)request;
  if (bpf_map_update_elem(&pending_requests, &key, &pending, BPF_ANY) == 0) return 0;
  lose_begin(EVENT_BLOCK_IO);
  return 0;
}

static __always_inline void tell_request(struct request* request, const struct pending_request* pending, __s32 result) {
  struct event_subject subject = {.owner = &pending->owner};
  struct draft draft;
  if (!begin_of(&draft, EVENT_BLOCK_IO, &subject)) return;
  struct block_io_event* event = (struct block_io_event*)draft.record;
  event->sector = pending->sector;
  event->latency_ns = draft.time_ns - pending->since_ns;
  event->bytes = pending->bytes;
  event->operation = pending->operation;
  event->result = result;
  struct gendisk* disk = request->q->disk;
  event->major = BPF_CORE_READ(disk, major);
  event->minor = BPF_CORE_READ(disk, first_minor);
  event->zero = 0;
  __builtin_memset(event->disk, 0, sizeof(event->disk));
  bpf_probe_read_kernel_str(event->disk, sizeof(event->disk), disk->disk_name);
  submit(&draft, sizeof(*event), 0);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_block_complete, struct request* request, __u8 result, unsigned int bytes) {
  /* A part of it: the rest is still to come. */
  if (bytes < request->__data_len && result == 0) return 0;
  __u64 key = (__u64)request;
  struct pending_request* pending = bpf_map_lookup_elem(&pending_requests, &key);
  if (!pending) {
    /* It was on its way already, or there was no room for it. */
    miss_begin(EVENT_BLOCK_IO);
    return 0;
  }
  tell_request(request, pending, result);
  bpf_map_delete_elem(&pending_requests, &key);
  return 0;
}
