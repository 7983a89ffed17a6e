/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of files as the kernel itself knows them: the way from a file up to the root, over mounts. */
#pragma once

#include "file_layout.h"
#include "session.bpf.h"

#define MAX_WALK_STEPS 64
#define MAX_NAME_BYTES 256
#define PATH_TOO_LONG (MAX_PATH_BYTES + 1)

/* Where the walk is. It lies in memory, because the verifier then forgets what it knew of each way through the loop.
 * The way is written from its end: the last name comes first. */
struct path_walk {
  struct dentry* entry;
  struct dentry* root;
  struct mount* mount;
  __u32 begin; /* of what is written */
  __u8 way[MAX_PATH_BYTES + MAX_NAME_BYTES];
};

/* The room to work behind the record. */
struct work_room {
  struct path_walk walk;
  struct path_prefix_key prefix;
};
_Static_assert(sizeof(struct work_room) <= SCRATCH_BYTES - RECORD_BYTES, "the scratch is too small");

static __always_inline struct work_room* work_room_of(struct draft* draft) {
  return (struct work_room*)(draft->record + RECORD_BYTES);
}

static __always_inline struct file* file_of(struct task_struct* task, __s32 descriptor) {
  struct fdtable* table = task->files->fdt;
  if (descriptor < 0 || (__u32)descriptor >= table->max_fds) return NULL;
  struct file* file = NULL;
  bpf_probe_read_kernel(&file, sizeof(file), table->fd + descriptor);
  return file;
}

static __always_inline void enter_mount(volatile struct path_walk* walk, struct mount* mount, struct dentry* entry) {
  walk->entry = entry;
  walk->mount = mount;
  walk->root = BPF_CORE_READ(mount, mnt.mnt_root);
}

/* One step up. False at the end. */
static __always_inline bool step_up(volatile struct path_walk* walk) {
  struct dentry* entry = walk->entry;
  if (entry == walk->root) {
    struct mount* mount = walk->mount;
    struct mount* above = BPF_CORE_READ(mount, mnt_parent);
    if (above == mount) return false;
    enter_mount(walk, above, BPF_CORE_READ(mount, mnt_mountpoint));
    return true;
  }
  struct qstr name = {};
  bpf_core_read(&name, sizeof(name), &entry->d_name);
  __u32 length = name.len;
  __u32 begin = walk->begin;
  if (length >= MAX_NAME_BYTES || begin <= length + 1 || begin > MAX_PATH_BYTES) {
    walk->begin = PATH_TOO_LONG;
    return false;
  }
  begin -= length + 1;
  asm volatile("" : "+r"(begin));
  begin &= MAX_PATH_BYTES - 1;
  asm volatile("" : "+r"(length));
  length &= MAX_NAME_BYTES - 1;
  walk->way[begin] = '/';
  bpf_probe_read_kernel((void*)walk->way + begin + 1, length, name.name);
  walk->begin = begin;
  struct dentry* parent = BPF_CORE_READ(entry, d_parent);
  walk->entry = parent;
  /* What was removed from the tree, or never was in it, has no way up. */
  return parent != entry;
}

/* Where in the way the path begins, or PATH_TOO_LONG. Not static, so that the verifier looks at it once and not at each
 * place that calls it; such a function takes addresses as numbers. */
__noinline __u32 walk_up(struct path_walk* given, __u64 vfs, __u64 entry) {
  volatile struct path_walk* walk = given;
  if (!walk) return PATH_TOO_LONG;
  walk->begin = MAX_PATH_BYTES;
  enter_mount(walk, (struct mount*)(vfs - bpf_core_field_offset(struct mount, mnt)), (struct dentry*)entry);
  for (int steps = 0; steps < MAX_WALK_STEPS; steps++) {
    if (step_up(walk)) continue;
    if (walk->begin == MAX_PATH_BYTES) {
      walk->begin = MAX_PATH_BYTES - 1;
      walk->way[MAX_PATH_BYTES - 1] = '/';
    }
    return walk->begin;
  }
  return PATH_TOO_LONG;
}

/* Writes the path without a zero. Bytes written; 0 when the way is longer than there is room for. */
static __always_inline __u32 write_path(struct draft* draft, __u8* to, struct vfsmount* vfs, struct dentry* entry) {
  struct path_walk* walk = &work_room_of(draft)->walk;
  __u32 begin = walk_up(walk, (__u64)vfs, (__u64)entry);
  if (begin >= MAX_PATH_BYTES) return 0;
  __u32 bytes = MAX_PATH_BYTES - begin;
  asm volatile("" : "+r"(begin));
  begin &= MAX_PATH_BYTES - 1;
  asm volatile("" : "+r"(bytes));
  bytes &= MAX_PATH_BYTES - 1;
  bpf_probe_read_kernel(to, bytes, walk->way + begin);
  return bytes;
}

/* Writes a path that nobody reads. */
static __always_inline void write_no_path(__u8* to, struct event_path* path) {
  to[0] = 0;
  path->bytes = 1;
  path->given_at = 0;
}

/* Writes the path of an open file, with a zero. False when there is none that fits. */
static __always_inline bool write_file_path(struct draft* draft, __u8* to, struct file* file, struct event_path* path) {
  if (!tells_paths(draft)) {
    write_no_path(to, path);
    return true;
  }
  __u32 bytes = write_path(draft, to, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
  if (bytes == 0) return false;
  asm volatile("" : "+r"(bytes));
  bytes &= MAX_PATH_BYTES - 1;
  to[bytes] = 0;
  path->bytes = bytes + 1;
  path->given_at = 0;
  return true;
}

/* Sockets, pipes, and the like have a file that is in no tree. */
static __always_inline bool is_in_no_tree(struct file* file) {
  struct dentry* entry = BPF_CORE_READ(file, f_path.dentry);
  return BPF_CORE_READ(entry, d_parent) == entry && BPF_CORE_READ(file, f_path.mnt, mnt_root) != entry;
}
