/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which kinds of events the end of a system call may show, by its number: those of this machine, and those of the
 * 32-bit programs that it runs as well, whose numbers are others. */
#pragma once

#include <asm/unistd.h>
#include <linux/types.h>

#include "event_layout.h"

#define MAX_CALLS 512

#define OF(kind) (1u << EVENT_##kind)
/* Owners of sockets are known from the calls that accept them. */
#define OF_ACCEPT (OF(TCP_ACCEPT) | OF(TCP_CONNECT) | OF(TCP_CLOSE) | OF(TCP_RETRANSMIT) | OF(TCP_RESET))
#define OF_COPY (OF(FILE_READ) | OF(FILE_WRITE))

const volatile __u32 kinds_of_calls[MAX_CALLS] = {
#ifdef __NR_open
    [__NR_open] = OF(FILE_OPEN),
    [__NR_creat] = OF(FILE_OPEN),
    [__NR_rename] = OF(FILE_RENAME),
    [__NR_unlink] = OF(FILE_UNLINK),
    [__NR_rmdir] = OF(FILE_UNLINK),
#endif
#ifdef __NR_renameat
    [__NR_renameat] = OF(FILE_RENAME),
#endif
    [__NR_openat] = OF(FILE_OPEN),
    [__NR_openat2] = OF(FILE_OPEN),
    [__NR_open_by_handle_at] = OF(FILE_OPEN),
    [__NR_renameat2] = OF(FILE_RENAME),
    [__NR_unlinkat] = OF(FILE_UNLINK),
    [__NR_read] = OF(FILE_READ),
    [__NR_readv] = OF(FILE_READ),
    [__NR_pread64] = OF(FILE_READ),
    [__NR_preadv] = OF(FILE_READ),
    [__NR_preadv2] = OF(FILE_READ),
    [__NR_write] = OF(FILE_WRITE),
    [__NR_writev] = OF(FILE_WRITE),
    [__NR_pwrite64] = OF(FILE_WRITE),
    [__NR_pwritev] = OF(FILE_WRITE),
    [__NR_pwritev2] = OF(FILE_WRITE),
    [__NR_sendfile] = OF_COPY,
    [__NR_splice] = OF_COPY,
    [__NR_copy_file_range] = OF_COPY,
    [__NR_mount] = OF(MOUNT),
    [__NR_move_mount] = OF(MOUNT),
    [__NR_umount2] = OF(UMOUNT),
    [__NR_init_module] = OF(MODULE_LOAD),
    [__NR_finit_module] = OF(MODULE_LOAD),
    [__NR_connect] = OF(TCP_CONNECT),
    [__NR_accept] = OF_ACCEPT,
    [__NR_accept4] = OF_ACCEPT,
};

/* Up to 280 i386 and 32-bit ARM have the same numbers. socketcall(2) of i386 hides what it calls in memory. */
const volatile __u32 kinds_of_compat_calls[MAX_CALLS] = {
    [3] = OF(FILE_READ),     [4] = OF(FILE_WRITE),    [5] = OF(FILE_OPEN),     [8] = OF(FILE_OPEN),
    [10] = OF(FILE_UNLINK),  [21] = OF(MOUNT),        [38] = OF(FILE_RENAME),  [40] = OF(FILE_UNLINK),
    [52] = OF(UMOUNT),       [128] = OF(MODULE_LOAD), [145] = OF(FILE_READ),   [146] = OF(FILE_WRITE),
    [180] = OF(FILE_READ),   [181] = OF(FILE_WRITE),  [187] = OF_COPY,         [239] = OF_COPY,
#if defined(__TARGET_ARCH_x86)
    [295] = OF(FILE_OPEN),   [301] = OF(FILE_UNLINK), [302] = OF(FILE_RENAME), [313] = OF_COPY,
    [333] = OF(FILE_READ),   [334] = OF(FILE_WRITE),  [342] = OF(FILE_OPEN),   [350] = OF(MODULE_LOAD),
    [353] = OF(FILE_RENAME), [362] = OF(TCP_CONNECT), [364] = OF(TCP_ACCEPT),  [377] = OF_COPY,
    [378] = OF(FILE_READ),   [379] = OF(FILE_WRITE),
#elif defined(__TARGET_ARCH_arm64)
    [283] = OF(TCP_CONNECT), [285] = OF(TCP_ACCEPT),  [322] = OF(FILE_OPEN),   [328] = OF(FILE_UNLINK),
    [329] = OF(FILE_RENAME), [340] = OF_COPY,         [361] = OF(FILE_READ),   [362] = OF(FILE_WRITE),
    [366] = OF(TCP_ACCEPT),  [371] = OF(FILE_OPEN),   [379] = OF(MODULE_LOAD), [382] = OF(FILE_RENAME),
    [391] = OF_COPY,         [392] = OF(FILE_READ),   [393] = OF(FILE_WRITE),
#endif
    [429] = OF(MOUNT),       [437] = OF(FILE_OPEN),
};
