/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads of kernel memory that may be gone by now, as plain loads: the kernel gives 0 for one that faults. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Since Linux 6.2. */
extern void* bpf_rdonly_cast(const void* address, __u32 type) __ksym;

/* A field of what a pointer points at. The kernel must know the type. */
#define READ_TYPED(pointer, field) \
  (((typeof(pointer))bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(typeof(*(pointer)))))->field)
