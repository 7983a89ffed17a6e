/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The one program at the end of every system call of the machine: what most calls pay is a look into a table. */
#pragma once

#include "call_kinds.bpf.h"
#include "file.bpf.h"
#include "module.bpf.h"
#include "mount.bpf.h"
#include "rename.bpf.h"
#include "tcp_call.bpf.h"
#include "transfer.bpf.h"

/* Bit of each kind that the session may ever tell. The code of the others is not loaded. */
const volatile __u32 loaded_kinds = 0;

/* 32-bit programs have their arguments elsewhere, and they are not read: such a call counts as an event that could not
 * be told. Not static, so that the verifier looks at it once. */
__noinline int count_untold(__u32 kind) {
  struct draft draft;
  if (begin_with_path(&draft, kind, (struct task_struct*)bpf_get_current_task_btf())) abandon(&draft);
  return 0;
}

static __always_inline void on_compat_call(__u32 kinds) {
  for (__u32 kind = 0; kind < EVENT_KINDS; kind++) {
    if (kinds & (1u << kind)) count_untold(kind);
  }
}

static __always_inline void tell_call(struct task_struct* task, struct pt_regs* regs, long result, __u32 kinds) {
  if (kinds & OF(FILE_OPEN)) {
    on_open(task, regs, result);
  } else if (kinds & OF_COPY) {
    if (kinds & OF(FILE_READ)) on_read(task, regs, result);
    if (kinds & OF(FILE_WRITE)) on_write(task, regs, result);
  } else if (kinds & OF(FILE_RENAME)) {
    on_rename(task, regs, result);
  } else if (kinds & OF(FILE_UNLINK)) {
    on_unlink(task, regs, result);
  } else if (kinds & OF_ACCEPT) {
    on_socket_call(task, regs, result);
  } else if (kinds & OF(MOUNT)) {
    on_mount(task, regs, result);
  } else if (kinds & OF(UMOUNT)) {
    on_umount(task, regs, result);
  } else if (kinds & OF(MODULE_LOAD)) {
    on_module_load(task, regs, result);
  }
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_call_exit, struct pt_regs* regs, long result) {
  __u32 number = SYSCALL_NUMBER(regs);
  if (number >= MAX_CALLS) return 0;
  __u32 kinds = kinds_of_calls[number] & loaded_kinds;
  __u32 compat_kinds = kinds_of_compat_calls[number] & loaded_kinds;
  if ((kinds | compat_kinds) == 0) return 0;
  struct task_struct* task = (struct task_struct*)bpf_get_current_task_btf();
  if (!is_compat_call(task)) {
    tell_call(task, regs, result, kinds);
  } else if (compat_kinds != 0) {
    on_compat_call(compat_kinds);
  }
  return 0;
}
