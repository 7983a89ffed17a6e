/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records of events of files. services/providers/linux/capture/decode-file.ts says the same. */
#pragma once

#include "event_layout.h"

/* Flag of an event whose path is the kernel's own; without it, the path has bytes that the caller gave, which another
 * thread may have changed meanwhile. */
#define EVENT_FLAG_RESOLVED 1

/* A path among the strings. A name that the caller gave, if it is relative, is behind the kernel's path of the
 * directory that it is relative to. */
struct event_path {
  __u16 bytes;    /* with the zero */
  __u16 given_at; /* where the caller's bytes begin */
};

struct file_open_event {
  struct event_header header;
  __s32 result; /* descriptor, or a negative errno */
  __u32 open_flags;
  __u32 mode;
  __s32 directory_fd;
  struct event_path path;
  __u32 zero;
};

/* Strings: the former path, the new one. */
struct file_rename_event {
  struct event_header header;
  __s32 result;
  __u32 rename_flags; /* of renameat2(2) */
  struct event_path from;
  struct event_path to;
};

struct file_unlink_event {
  struct event_header header;
  __s32 result;
  __u32 is_directory;
  struct event_path path;
  __u32 zero;
};

/* Of a read and of a write. */
struct file_transfer_event {
  struct event_header header;
  __s64 result; /* bytes, or a negative errno */
  __u32 descriptor;
  struct event_path path;
};

/* Strings: the target, the source, the type. */
struct mount_event {
  struct event_header header;
  __s32 result;
  __u32 mount_flags;
  struct event_path target;
  __u16 source_bytes;
  __u16 type_bytes;
};

struct umount_event {
  struct event_header header;
  __s32 result;
  __u32 umount_flags;
  struct event_path target;
  __u32 zero;
};

/* Strings: the path of the module's file if a descriptor names it, the parameters. */
struct module_load_event {
  struct event_header header;
  __s32 result;
  __u32 is_from_memory;
  struct event_path path;
  __u16 parameter_bytes;
  __u16 zero;
};
