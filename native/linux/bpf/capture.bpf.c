/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* All programs of a capture session. The session loads those whose events are wanted. */
#include "file.bpf.h"
#include "process.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
