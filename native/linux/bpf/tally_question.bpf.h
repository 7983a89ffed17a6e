/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an aggregation is asked. Set before loading: what the answer does not need is then cut out of the programs. Part
 * of session.bpf.h. */
#pragma once

#include "tally_layout.h"

const volatile __u32 counted_by = BY_NONE;
const volatile __u8 measures_latency = 0; /* a _Bool is unknown to C++, which reads it from the skeleton */
/* Of the events that are counted; EVENT_NONE where they are no events of a capture. */
const volatile __u32 counted_kind = EVENT_NONE;

/* Only a latency needs the time. */
static __always_inline __u64 event_time(void) { return measures_latency ? bpf_ktime_get_boot_ns() : 0; }
