/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* All programs of a capture session. The session loads those whose events are wanted. */
#include "dns.bpf.h"
#include "file.bpf.h"
#include "process.bpf.h"
#include "tcp.bpf.h"
#include "tcp_call.bpf.h"
#include "tcp_trouble.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
