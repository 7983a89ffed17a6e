/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of files as the kernel itself knows them: the way from an open file up to the root, over mounts. The last name
 * comes first, each with a zero; the reader turns them round. */
#pragma once

#include "session.bpf.h"

#define MAX_PATH_NAMES 32
#define MAX_NAME_BYTES 256

static __always_inline struct file* file_of(struct task_struct* task, __s32 descriptor) {
  struct fdtable* table = task->files->fdt;
  if (descriptor < 0 || (__u32)descriptor >= table->max_fds) return NULL;
  struct file* file = NULL;
  bpf_probe_read_kernel(&file, sizeof(file), table->fd + descriptor);
  return file;
}

/* Where the walk is. It lies in memory, because the verifier then forgets what it knew of each way through the loop. */
struct path_walk {
  struct dentry* entry;
  struct dentry* root;
  struct mount* mount;
  __u32 written;
};

static __always_inline void enter_mount(volatile struct path_walk* walk, struct mount* mount, struct dentry* entry) {
  walk->entry = entry;
  walk->mount = mount;
  walk->root = BPF_CORE_READ(mount, mnt.mnt_root);
}

/* One step up. False at the end, with bytes 0 when there was no room for the whole way. */
static __always_inline bool step_up(volatile struct path_walk* walk, __u8* to) {
  struct dentry* entry = walk->entry;
  if (entry == walk->root) {
    struct mount* mount = walk->mount;
    struct mount* above = BPF_CORE_READ(mount, mnt_parent);
    if (above == mount) return false;
    enter_mount(walk, above, BPF_CORE_READ(mount, mnt_mountpoint));
    return true;
  }
  __u32 at = walk->written;
  if (at > MAX_PATH_BYTES - MAX_NAME_BYTES) {
    walk->written = 0;
    return false;
  }
  long bytes = bpf_probe_read_kernel_str(to + at, MAX_NAME_BYTES, BPF_CORE_READ(entry, d_name.name));
  walk->written = bytes > 0 ? at + (__u32)bytes : 0;
  walk->entry = BPF_CORE_READ(entry, d_parent);
  return bytes > 0;
}

/* Bytes written; 0 when the way is longer than there is room for. */
static __always_inline __u32 write_path(volatile struct path_walk* walk, __u8* to, struct file* file) {
  struct vfsmount* vfs = BPF_CORE_READ(file, f_path.mnt);
  walk->written = 0;
  enter_mount(walk, (struct mount*)((char*)vfs - bpf_core_field_offset(struct mount, mnt)),
              BPF_CORE_READ(file, f_path.dentry));
  for (int names = 0; names < MAX_PATH_NAMES; names++) {
    if (!step_up(walk, to)) return walk->written;
  }
  return 0;
}
