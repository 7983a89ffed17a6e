/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Modules that somebody asks the kernel to load, also in vain. Those that the kernel wants itself are asked for by the
 * program that it starts for that. */
#pragma once

#include "mount.bpf.h"

static __noinline void on_module_load(struct task_struct* task, struct pt_regs* regs, long result) {
  int number = SYSCALL_NUMBER(regs);
  bool is_from_memory = number == __NR_init_module;
  if (!is_from_memory && number != __NR_finit_module) return;
  struct draft draft;
  if (!begin_with_path(&draft, EVENT_MODULE_LOAD, task)) return;
  struct module_load_event* event = (struct module_load_event*)draft.record;
  event->result = result;
  event->is_from_memory = is_from_memory;
  event->zero = 0;
  __u8* strings = (__u8*)(event + 1);
  struct file* file = is_from_memory ? NULL : file_of(task, ARGUMENT_0(regs));
  if (file && write_file_path(&draft, strings, file, &event->path)) {
    event->header.flags |= EVENT_FLAG_RESOLVED;
  } else {
    strings[0] = 0;
    event->path.bytes = 1;
    event->path.given_at = 0;
  }
  const void* parameters = (const void*)(is_from_memory ? ARGUMENT_2(regs) : ARGUMENT_1(regs));
  event->parameter_bytes = write_text(strings, event->path.bytes, parameters, MAX_PATH_BYTES);
  submit_with_path(&draft, sizeof(*event), &event->path, event->path.bytes + event->parameter_bytes);
}
