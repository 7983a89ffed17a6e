/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files that are opened. */
#pragma once

#include "path.bpf.h"
#include "syscall.bpf.h"

#define EVENT_FLAG_RESOLVED \
  1 /* the path is the kernel's; otherwise the bytes that the caller gave, read after the call */

/* What the way of opening a file has in its arguments; false when the system call is not one of them. */
static __always_inline bool read_open_arguments(struct pt_regs* regs, struct file_open_event* event,
                                                const void** path) {
  switch (SYSCALL_NUMBER(regs)) {
    case __NR_openat:
      event->directory_fd = ARGUMENT_0(regs);
      *path = (const void*)ARGUMENT_1(regs);
      event->open_flags = ARGUMENT_2(regs);
      event->mode = ARGUMENT_3(regs);
      return true;
#ifdef __NR_open
    case __NR_open:
      event->directory_fd = -100; /* the current directory */
      *path = (const void*)ARGUMENT_0(regs);
      event->open_flags = ARGUMENT_1(regs);
      event->mode = ARGUMENT_2(regs);
      return true;
#endif
    default:
      return false;
  }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_open, struct pt_regs* regs, long result) {
  struct file_open_event arguments = {};
  const void* given = NULL;
  if (!read_open_arguments(regs, &arguments, &given)) return 0;
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  struct draft draft;
  if (!begin(&draft, EVENT_FILE_OPEN, task)) return 0;
  struct file_open_event* event = (struct file_open_event*)draft.record;
  event->result = result;
  event->open_flags = arguments.open_flags;
  event->mode = arguments.mode;
  event->directory_fd = arguments.directory_fd;
  __u8* strings = (__u8*)(event + 1);
  struct file* file = result >= 0 ? file_of(task, result) : NULL;
  long bytes =
      file ? write_path((struct path_walk*)(draft.record + SCRATCH_BYTES - sizeof(struct path_walk)), strings, file)
           : 0;
  if (bytes > 0) {
    event->header.flags |= EVENT_FLAG_RESOLVED;
  } else {
    bytes = bpf_probe_read_user_str(strings, MAX_PATH_BYTES, given);
    if (bytes < 0) bytes = 0;
  }
  submit(&draft, sizeof(*event), bytes);
  return 0;
}
