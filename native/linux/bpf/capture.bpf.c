/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* All programs of a capture session. The session loads those whose events are wanted. */
#include "block.bpf.h"
#include "call_exit.bpf.h"
#include "dns.bpf.h"
#include "process.bpf.h"
#include "signal.bpf.h"
#include "tcp.bpf.h"
#include "tcp_trouble.bpf.h"
#include "tree.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
