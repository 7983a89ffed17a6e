/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of files that a caller gave, and the events that have paths: their filter comes when the path is known. */
#pragma once

#include "path.bpf.h"
#include "syscall.bpf.h"

#define CURRENT_DIRECTORY (-100)
/* So that a directory and a name fit behind it. */
#define LAST_PATH_AT (MAX_STRING_BYTES - 2 * MAX_PATH_BYTES)

static __always_inline __u32 write_directory(struct draft* draft, __u8* to, struct task_struct* task,
                                             __s32 descriptor) {
  if (descriptor == CURRENT_DIRECTORY) {
    struct path_walk* walk = &work_room_of(draft)->walk;
    walk->vfs = BPF_CORE_READ(task, fs, pwd.mnt);
    walk->entry = BPF_CORE_READ(task, fs, pwd.dentry);
    return write_path(walk, to);
  }
  struct file* file = file_of(task, descriptor);
  return file ? write_path_of(draft, to, file) : 0;
}

/* Writes a name, with a zero, behind `at` bytes of strings. Bytes of strings then. */
static __always_inline __u32 write_given(struct draft* draft, __u8* strings, __u32 at, struct event_path* path,
                                         struct task_struct* task, __s32 directory, const void* given) {
  asm volatile("" : "+r"(at));
  if (at > LAST_PATH_AT) at = LAST_PATH_AT;
  __u8* to = strings + at;
  if (!tells_paths(draft)) {
    write_no_path(to, path);
    return at + path->bytes;
  }
  __u32 given_at = 0;
  char first = 0;
  bpf_probe_read_user(&first, sizeof(first), given);
  if (first != '/') {
    given_at = write_directory(draft, to, task, directory);
    asm volatile("" : "+r"(given_at));
    given_at &= MAX_PATH_BYTES - 1;
    /* The root ends with a slash already. */
    if (given_at > 1) to[given_at++] = '/';
  }
  asm volatile("" : "+r"(given_at));
  if (given_at > MAX_PATH_BYTES) given_at = MAX_PATH_BYTES;
  long bytes = bpf_probe_read_user_str(to + given_at, MAX_PATH_BYTES, given);
  if (bytes <= 0) {
    to[given_at] = 0;
    bytes = 1;
  }
  path->given_at = given_at;
  path->bytes = given_at + bytes;
  return at + path->bytes;
}

/* Whether a path, whose bytes count its zero, begins with one of the filter's. */
static __always_inline bool has_prefix(struct draft* draft, const __u8* path, __u32 bytes) {
  struct path_prefix_key* key = &work_room_of(draft)->prefix;
  __u32 length = bytes == 0 ? 0 : bytes - 1;
  asm volatile("" : "+r"(length));
  if (length > MAX_PREFIX_BYTES - 1) length = MAX_PREFIX_BYTES - 1;
  key->generation = draft->generation_and_criteria >> 32;
  key->prefix_bits = 8 * (sizeof(key->generation) + length + 1);
  bpf_probe_read_kernel(key->path, length, path);
  key->path[length] = '/';
  return bpf_map_lookup_elem(&filter_paths, key) != NULL;
}

static __always_inline bool filters_paths(const struct draft* draft) {
  return ((__u32)draft->generation_and_criteria & FILTER_PATH) != 0;
}

/* Begins an event whose path is found out next. */
static __always_inline bool begin_with_path(struct draft* draft, __u32 kind, struct task_struct* task) {
  const struct event_subject subject = {.task = task};
  if (!attempt(draft, kind, &subject)) return false;
  if (!filters_paths(draft) && !admit(draft)) return false;
  return open_record(draft, kind, &subject);
}

/* Goes on when its paths are known. False when it ends here. */
static __always_inline bool settle_path(struct draft* draft, bool passes_path) {
  if (draft->is_admitted) return true;
  bool goes_on = false;
  if (!passes_path) {
    count_end(draft, &draft->account->filtered);
  } else if (admit(draft)) {
    ((struct event_header*)draft->record)->sequence = draft->sequence;
    goes_on = true;
  }
  if (!goes_on) release_slot(draft);
  return goes_on;
}

/* For an event with one path, which is its first string: filters it and hands it over. */
static __always_inline void submit_with_path(struct draft* draft, __u32 fixed_bytes, const struct event_path* path,
                                             __u32 string_bytes) {
  bool passes_path = filters_paths(draft) && has_prefix(draft, draft->record + fixed_bytes, path->bytes);
  if (settle_path(draft, passes_path)) submit(draft, fixed_bytes, string_bytes);
}
