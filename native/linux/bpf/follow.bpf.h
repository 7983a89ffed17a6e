/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Fields of the kernel's objects behind pointers that the verifier knows nothing of. */
#pragma once

#include "core_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

/* Of kernels from 6.2 on: a load that is checked when it faults, instead of a call for each field. */
extern void* bpf_rdonly_cast(const void* object, __u32 type) __ksym __weak;

/* Any struct of the kernel will do that begins with a word. */
struct timespec64 {
  __s64 tv_sec;
} __attribute__((preserve_access_index));

enum special_kfunc_type {
  KF_bpf_rdonly_cast,
};

/* Known when the programs are loaded: the other way is not there then. */
static __always_inline bool can_cast(void) {
  return bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast);
}

#define CAST(type, pointer) ((const type*)bpf_rdonly_cast((const void*)(pointer), bpf_core_type_id_kernel(type)))

/* Only if it can cast. */
static __always_inline __u64 load_word(const void* at) { return CAST(struct timespec64, at)->tv_sec; }

/* 0 when there is nothing. */
static __always_inline __u64 read_word(const void* at) {
  if (can_cast()) return load_word(at);
  __u64 word = 0;
  bpf_probe_read_kernel(&word, sizeof(word), at);
  return word;
}

/* FOLLOW(struct dentry, entry, d_parent): 0 when there is nothing at the pointer. */
#define FOLLOW(type, pointer, field) \
  (can_cast() ? CAST(type, pointer)->field : BPF_CORE_READ((const type*)(pointer), field))

/* Copies a name of the kernel's. A call costs more than a short name, which is copied by words from its end: up to
 * seven bytes in front of `to` are written, too. */
static __always_inline void copy_name(__u8* to, __u32 length, const __u8* name) {
  if (!can_cast() || length > 4 * sizeof(__u64)) {
    bpf_probe_read_kernel(to, length, name);
    return;
  }
  volatile __u8* end = to + length;
  const __u8* name_end = name + length;
  *(volatile __u64*)(end - 8) = load_word(name_end - 8);
  if (length > 8) *(volatile __u64*)(end - 16) = load_word(name_end - 16);
  if (length > 16) *(volatile __u64*)(end - 24) = load_word(name_end - 24);
  if (length > 24) *(volatile __u64*)(end - 32) = load_word(name_end - 32);
}
