/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of files as the kernel itself knows them: the way from a file up to the root, over mounts. */
#pragma once

#include "file_layout.h"
#include "follow.bpf.h"
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
  struct vfsmount* vfs; /* where it begins */
  __u32 begin;          /* of what is written */
  __u8 margin[8];       /* of copied names */
  __u8 way[MAX_PATH_BYTES + MAX_NAME_BYTES];
};

/* What is copied of a path at once, and cheaper than by a call. */
struct short_path {
  __u64 words[8];
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
  return (struct file*)read_word(table->fd + descriptor);
}

static __always_inline void enter_mount(volatile struct path_walk* walk, struct mount* mount, struct dentry* entry) {
  walk->entry = entry;
  walk->mount = mount;
  walk->root = FOLLOW(struct mount, mount, mnt.mnt_root);
}

/* One step up. False at the end. */
static __always_inline bool step_up(volatile struct path_walk* walk) {
  struct dentry* entry = walk->entry;
  if (entry == walk->root) {
    struct mount* mount = walk->mount;
    struct mount* above = FOLLOW(struct mount, mount, mnt_parent);
    if (above == mount) return false;
    enter_mount(walk, above, FOLLOW(struct mount, mount, mnt_mountpoint));
    return true;
  }
  __u32 length = FOLLOW(struct dentry, entry, d_name.len);
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
  copy_name((void*)walk->way + begin + 1, length, FOLLOW(struct dentry, entry, d_name.name));
  walk->way[begin] = '/';
  walk->begin = begin;
  struct dentry* parent = FOLLOW(struct dentry, entry, d_parent);
  walk->entry = parent;
  /* What was removed from the tree, or never was in it, has no way up. */
  return parent != entry;
}

/* Where in the way the path begins that ends at the walk's entry, or PATH_TOO_LONG. Not static, so that the verifier
 * looks at it once and not at each place that calls it. */
__noinline __u32 walk_up(struct path_walk* given) {
  volatile struct path_walk* walk = given;
  if (!walk) return PATH_TOO_LONG;
  walk->begin = MAX_PATH_BYTES;
  enter_mount(walk, (struct mount*)((__u64)walk->vfs - bpf_core_field_offset(struct mount, mnt)), walk->entry);
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

/* Writes the path where the walk was put, without a zero. Bytes written; 0 when the way is longer than there is room
 * for. */
static __always_inline __u32 write_path(struct path_walk* walk, __u8* to) {
  __u32 begin = walk_up(walk);
  if (begin >= MAX_PATH_BYTES) return 0;
  __u32 bytes = MAX_PATH_BYTES - begin;
  asm volatile("" : "+r"(begin));
  begin &= MAX_PATH_BYTES - 1;
  asm volatile("" : "+r"(bytes));
  bytes &= MAX_PATH_BYTES - 1;
  if (bytes <= sizeof(struct short_path)) {
    *(struct short_path*)to = *(struct short_path*)(walk->way + begin);
  } else {
    bpf_probe_read_kernel(to, bytes, walk->way + begin);
  }
  return bytes;
}

/* Writes a path that nobody reads. */
static __always_inline void write_no_path(__u8* to, struct event_path* path) {
  to[0] = 0;
  path->bytes = 1;
  path->given_at = 0;
}

/* Writes the path of an open file, without a zero. */
static __always_inline __u32 write_path_of(struct draft* draft, __u8* to, struct file* file) {
  struct path_walk* walk = &work_room_of(draft)->walk;
  walk->vfs = FOLLOW(struct file, file, f_path.mnt);
  walk->entry = FOLLOW(struct file, file, f_path.dentry);
  return write_path(walk, to);
}

/* Writes the path of an open file, with a zero. False when there is none that fits. */
static __always_inline bool write_file_path(struct draft* draft, __u8* to, struct file* file, struct event_path* path) {
  if (!tells_paths(draft)) {
    write_no_path(to, path);
    return true;
  }
  __u32 bytes = write_path_of(draft, to, file);
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
  struct dentry* entry = FOLLOW(struct file, file, f_path.dentry);
  if (FOLLOW(struct dentry, entry, d_parent) != entry) return false;
  struct vfsmount* mount = FOLLOW(struct file, file, f_path.mnt);
  return FOLLOW(struct vfsmount, mount, mnt_root) != entry;
}
