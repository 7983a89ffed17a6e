/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* File systems that are mounted, by mount(2) or move_mount(2), and unmounted. */
#pragma once

#include "given_path.bpf.h"

#define MAX_TYPE_BYTES 256

struct mount_arguments {
  const void* target;
  const void* source;
  const void* type;
  __s32 directory;
  __u32 flags;
};

static __always_inline bool read_mount_arguments(struct pt_regs* regs, struct mount_arguments* arguments) {
  switch (SYSCALL_NUMBER(regs)) {
    case __NR_mount:
      arguments->source = (const void*)ARGUMENT_0(regs);
      arguments->directory = CURRENT_DIRECTORY;
      arguments->target = (const void*)ARGUMENT_1(regs);
      arguments->type = (const void*)ARGUMENT_2(regs);
      arguments->flags = ARGUMENT_3(regs);
      return true;
    case __NR_move_mount:
      /* What is mounted has no name when it is a descriptor of fsmount(2): the source is empty then. */
      arguments->source = (const void*)ARGUMENT_1(regs);
      arguments->directory = ARGUMENT_2(regs);
      arguments->target = (const void*)ARGUMENT_3(regs);
      arguments->flags = ARGUMENT_4(regs);
      return true;
    default:
      return false;
  }
}

/* A text of the caller's, with a zero, behind `at` bytes of strings. Its bytes. */
static __always_inline __u32 write_text(__u8* strings, __u32 at, const void* given, __u32 most_bytes) {
  asm volatile("" : "+r"(at));
  if (at > MAX_STRING_BYTES - MAX_PATH_BYTES) at = MAX_STRING_BYTES - MAX_PATH_BYTES;
  long bytes = bpf_probe_read_user_str(strings + at, most_bytes, given);
  if (bytes > 0) return bytes;
  strings[at] = 0;
  return 1;
}

static __noinline void on_mount(struct task_struct* task, struct pt_regs* regs, long result) {
  struct mount_arguments arguments = {};
  if (!read_mount_arguments(regs, &arguments)) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_MOUNT, task)) return;
  struct mount_event* event = (struct mount_event*)draft.record;
  event->result = result;
  event->mount_flags = arguments.flags;
  __u8* strings = (__u8*)(event + 1);
  __u32 at = write_given(&draft, strings, 0, &event->target, task, arguments.directory, arguments.target);
  event->source_bytes = write_text(strings, at, arguments.source, MAX_PATH_BYTES);
  at += event->source_bytes;
  event->type_bytes = write_text(strings, at, arguments.type, MAX_TYPE_BYTES);
  submit_with_path(&draft, sizeof(*event), &event->target, at + event->type_bytes);
}

static __noinline void on_umount(struct task_struct* task, struct pt_regs* regs, long result) {
  if (SYSCALL_NUMBER(regs) != __NR_umount2) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_UMOUNT, task)) return;
  struct umount_event* event = (struct umount_event*)draft.record;
  event->result = result;
  event->umount_flags = ARGUMENT_1(regs);
  event->zero = 0;
  __u8* strings = (__u8*)(event + 1);
  write_given(&draft, strings, 0, &event->target, task, CURRENT_DIRECTORY, (const void*)ARGUMENT_0(regs));
  submit_with_path(&draft, sizeof(*event), &event->target, event->target.bytes);
}
