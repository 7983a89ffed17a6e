/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files that are read and written, by descriptor. Sockets, pipes and other files that are in no tree are left out. What
 * is written through mapped memory or io_uring is no such system call, and is not seen. */
#pragma once

#include "given_path.bpf.h"

static __always_inline void tell_transfer(struct task_struct* task, __u32 kind, __s32 descriptor, long result) {
  struct file* file = file_of(task, descriptor);
  if (file && is_in_no_tree(file)) return;
  struct draft draft;
  if (!begin_with_path(&draft, kind, task)) return;
  struct file_transfer_event* event = (struct file_transfer_event*)draft.record;
  event->result = result;
  event->descriptor = descriptor;
  __u8* strings = (__u8*)(event + 1);
  if (file && write_file_path(&draft, strings, file, &event->path)) {
    event->header.flags |= EVENT_FLAG_RESOLVED;
  } else {
    strings[0] = 0;
    event->path.bytes = 1;
    event->path.given_at = 0;
  }
  submit_with_path(&draft, sizeof(*event), &event->path, event->path.bytes);
}

static __noinline void on_read(struct task_struct* task, struct pt_regs* regs, long result) {
  switch (SYSCALL_NUMBER(regs)) {
    case __NR_read:
    case __NR_readv:
    case __NR_pread64:
    case __NR_preadv:
    case __NR_preadv2:
    case __NR_copy_file_range:
    case __NR_splice:
      tell_transfer(task, EVENT_FILE_READ, ARGUMENT_0(regs), result);
      break;
    case __NR_sendfile:
      tell_transfer(task, EVENT_FILE_READ, ARGUMENT_1(regs), result);
      break;
  }
}

static __noinline void on_write(struct task_struct* task, struct pt_regs* regs, long result) {
  switch (SYSCALL_NUMBER(regs)) {
    case __NR_write:
    case __NR_writev:
    case __NR_pwrite64:
    case __NR_pwritev:
    case __NR_pwritev2:
    case __NR_sendfile:
      tell_transfer(task, EVENT_FILE_WRITE, ARGUMENT_0(regs), result);
      break;
    case __NR_copy_file_range:
    case __NR_splice:
      tell_transfer(task, EVENT_FILE_WRITE, ARGUMENT_2(regs), result);
      break;
  }
}
