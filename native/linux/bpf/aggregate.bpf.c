/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* All programs of an aggregation: those of captures, which end in a row here and not in a ring, and those of what
 * happens too often for a record. The session loads those that its question needs. */
#define AGGREGATION

#include "block.bpf.h"
#include "call_exit.bpf.h"
#include "process.bpf.h"
#include "run_queue.bpf.h"
#include "system_call.bpf.h"
#include "tcp.bpf.h"
#include "tcp_trouble.bpf.h"
#include "tree.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
