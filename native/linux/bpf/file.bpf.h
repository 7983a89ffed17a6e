/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files that are opened. What io_uring opens is no system call of its own, and is not seen. */
#pragma once

#include "given_path.bpf.h"

struct open_how_given {
  __u64 flags;
  __u64 mode;
};

/* What the way of opening a file has in its arguments; false when the system call is not one of them. */
static __always_inline bool read_open_arguments(struct pt_regs* regs, struct file_open_event* event,
                                                const void** path) {
  struct open_how_given how = {};
  switch (SYSCALL_NUMBER(regs)) {
    case __NR_openat:
      event->directory_fd = ARGUMENT_0(regs);
      *path = (const void*)ARGUMENT_1(regs);
      event->open_flags = ARGUMENT_2(regs);
      event->mode = ARGUMENT_3(regs);
      return true;
    case __NR_openat2:
      event->directory_fd = ARGUMENT_0(regs);
      *path = (const void*)ARGUMENT_1(regs);
      bpf_probe_read_user(&how, sizeof(how), (const void*)ARGUMENT_2(regs));
      event->open_flags = how.flags;
      event->mode = how.mode;
      return true;
    case __NR_open_by_handle_at:
      /* The handle has no name. */
      event->directory_fd = ARGUMENT_0(regs);
      event->open_flags = ARGUMENT_2(regs);
      return true;
#ifdef __NR_open
    case __NR_open:
      event->directory_fd = CURRENT_DIRECTORY;
      *path = (const void*)ARGUMENT_0(regs);
      event->open_flags = ARGUMENT_1(regs);
      event->mode = ARGUMENT_2(regs);
      return true;
    case __NR_creat:
      event->directory_fd = CURRENT_DIRECTORY;
      *path = (const void*)ARGUMENT_0(regs);
      event->open_flags = 01 | 0100 | 01000; /* O_WRONLY, O_CREAT, O_TRUNC */
      event->mode = ARGUMENT_1(regs);
      return true;
#endif
    default:
      return false;
  }
}

static __noinline void on_open(struct task_struct* task, struct pt_regs* regs, long result) {
  struct file_open_event arguments = {};
  const void* given = NULL;
  if (!read_open_arguments(regs, &arguments, &given)) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_FILE_OPEN, task)) return;
  struct file_open_event* event = (struct file_open_event*)draft.record;
  event->result = result;
  event->open_flags = arguments.open_flags;
  event->mode = arguments.mode;
  event->directory_fd = arguments.directory_fd;
  event->zero = 0;
  __u8* strings = (__u8*)(event + 1);
  struct file* file = result >= 0 ? file_of(task, result) : NULL;
  if (file && write_file_path(&draft, strings, file, &event->path)) {
    event->header.flags |= EVENT_FLAG_RESOLVED;
  } else {
    write_given(&draft, strings, 0, &event->path, task, arguments.directory_fd, given);
  }
  submit_with_path(&draft, sizeof(*event), &event->path, event->path.bytes);
}
