/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A system call as its exit shows it: the registers still hold what the caller gave, except the one of the result. */
#pragma once

#include <asm/unistd.h>

#include "session.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_NUMBER(regs) ((int)((regs)->orig_ax))
#define ARGUMENT_0(regs) ((regs)->di)
#define ARGUMENT_1(regs) ((regs)->si)
#define ARGUMENT_2(regs) ((regs)->dx)
#define ARGUMENT_3(regs) ((regs)->r10)
#define ARGUMENT_4(regs) ((regs)->r8)
#define COMPAT_STATUS 2 /* TS_COMPAT */
/* Of this call: a 64-bit program may make 32-bit ones, too. */
static __always_inline bool is_compat_call(struct task_struct* task) {
  return (task->thread_info.status & COMPAT_STATUS) != 0;
}
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_NUMBER(regs) ((regs)->syscallno)
#define ARGUMENT_0(regs) ((regs)->orig_x0)
#define ARGUMENT_1(regs) ((regs)->regs[1])
#define ARGUMENT_2(regs) ((regs)->regs[2])
#define ARGUMENT_3(regs) ((regs)->regs[3])
#define ARGUMENT_4(regs) ((regs)->regs[4])
#define COMPAT_FLAG (1 << 22) /* TIF_32BIT */
static __always_inline bool is_compat_call(struct task_struct* task) {
  return (task->thread_info.flags & COMPAT_FLAG) != 0;
}
#endif
