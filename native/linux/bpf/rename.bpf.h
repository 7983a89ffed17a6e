/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files that get another name, or lose one. When the call is over its names are all that is left of it, so these paths
 * are the caller's. What io_uring does is no system call of its own, and is not seen. */
#pragma once

#include "given_path.bpf.h"

#define REMOVE_DIRECTORY 0x200 /* AT_REMOVEDIR */

struct rename_arguments {
  const void* from;
  const void* to;
  __s32 from_directory;
  __s32 to_directory;
  __u32 flags;
};

static __always_inline bool read_rename_arguments(struct pt_regs* regs, struct rename_arguments* arguments) {
  switch (SYSCALL_NUMBER(regs)) {
#ifdef __NR_rename
    case __NR_rename:
      arguments->from_directory = CURRENT_DIRECTORY;
      arguments->from = (const void*)ARGUMENT_0(regs);
      arguments->to_directory = CURRENT_DIRECTORY;
      arguments->to = (const void*)ARGUMENT_1(regs);
      return true;
#endif
    case __NR_renameat2:
      arguments->flags = ARGUMENT_4(regs);
#ifdef __NR_renameat
      /* fall through */
    case __NR_renameat:
#endif
      arguments->from_directory = ARGUMENT_0(regs);
      arguments->from = (const void*)ARGUMENT_1(regs);
      arguments->to_directory = ARGUMENT_2(regs);
      arguments->to = (const void*)ARGUMENT_3(regs);
      return true;
    default:
      return false;
  }
}

static __noinline void on_rename(struct task_struct* task, struct pt_regs* regs, long result) {
  struct rename_arguments arguments = {};
  if (!read_rename_arguments(regs, &arguments)) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_FILE_RENAME, task)) return;
  struct file_rename_event* event = (struct file_rename_event*)draft.record;
  event->result = result;
  event->rename_flags = arguments.flags;
  __u8* strings = (__u8*)(event + 1);
  __u32 at = write_given(&draft, strings, 0, &event->from, task, arguments.from_directory, arguments.from);
  asm volatile("" : "+r"(at));
  if (at > LAST_PATH_AT) at = LAST_PATH_AT;
  __u32 bytes = write_given(&draft, strings, at, &event->to, task, arguments.to_directory, arguments.to);
  bool passes_path = filters_paths(&draft) && (has_prefix(&draft, strings, event->from.bytes) ||
                                               has_prefix(&draft, strings + at, event->to.bytes));
  if (settle_path(&draft, passes_path)) submit(&draft, sizeof(*event), bytes);
}

struct unlink_arguments {
  const void* path;
  __s32 directory;
  __u32 is_directory;
};

static __always_inline bool read_unlink_arguments(struct pt_regs* regs, struct unlink_arguments* arguments) {
  switch (SYSCALL_NUMBER(regs)) {
#ifdef __NR_unlink
    case __NR_rmdir:
    case __NR_unlink:
      arguments->directory = CURRENT_DIRECTORY;
      arguments->path = (const void*)ARGUMENT_0(regs);
      arguments->is_directory = SYSCALL_NUMBER(regs) == __NR_rmdir;
      return true;
#endif
    case __NR_unlinkat:
      arguments->directory = ARGUMENT_0(regs);
      arguments->path = (const void*)ARGUMENT_1(regs);
      arguments->is_directory = (ARGUMENT_2(regs) & REMOVE_DIRECTORY) != 0;
      return true;
    default:
      return false;
  }
}

static __noinline void on_unlink(struct task_struct* task, struct pt_regs* regs, long result) {
  struct unlink_arguments arguments = {};
  if (!read_unlink_arguments(regs, &arguments)) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_FILE_UNLINK, task)) return;
  struct file_unlink_event* event = (struct file_unlink_event*)draft.record;
  event->result = result;
  event->is_directory = arguments.is_directory;
  event->zero = 0;
  __u8* strings = (__u8*)(event + 1);
  write_given(&draft, strings, 0, &event->path, task, arguments.directory, arguments.path);
  submit_with_path(&draft, sizeof(*event), &event->path, event->path.bytes);
}
