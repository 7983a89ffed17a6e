/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tables of the kernel, read where they lie. */
#include "process_table.bpf.h"
#include "socket_table.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
