/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Descriptors that are sockets. The kernel's own iterator over descriptors takes and gives back a reference of each
 * file, which costs several times what the rest does; here the tables of descriptors are read where they lie. */
#pragma once

#include "follow.bpf.h"
#include "iterator_layout.h"
#include "iterator_types.h"

#define SOCKET_MODE 0140000     /* S_IFSOCK */
#define FORMAT_MASK 0170000     /* S_IFMT */
#define SOCKET_MAGIC 0x534f434b /* SOCKFS_MAGIC: a path that names a UNIX socket is in another file system */

/* Tasks that the last walk met. */
volatile __u64 visited_tasks = 0;

/* The sockets that are asked for, unless all are: a bit for each by the end of its inode, so few others come too. */
volatile __u32 chooses_sockets = 0;
volatile __u64 wanted_sockets[WANTED_WORDS] = {};

struct descriptor_walk {
  struct seq_file* output;
  struct task_struct* task;
  __u64 open;  /* bits of the descriptors of this word that are still to be seen */
  __u32 first; /* descriptor of the word's first bit */
  __u32 next;  /* the same of the word behind it */
  __u32 end;
  __u32 socket_count;
  bool is_full; /* the kernel's buffer: the task is shown once more */
};

/* 0 when the task has no such descriptor, or no descriptors any more. */
static __always_inline __u64 find_file(struct task_struct* task, __u32 fd) {
  struct files_struct* files = task->files;
  if (!files) return 0;
  struct fdtable* table = files->fdt;
  if (fd >= table->max_fds) return 0;
  return read_word(table->fd + fd);
}

static __always_inline bool is_wanted_socket(__u64 inode) {
  if (!chooses_sockets) return true;
  return wanted_sockets[inode / BITS_OF_WORD % WANTED_WORDS] >> inode % BITS_OF_WORD & 1;
}

/* 0 for what is no socket, or none that is asked for. */
static __always_inline __u64 find_socket_inode(__u64 file) {
  struct inode___table* inode = FOLLOW(struct file___table, file, f_inode);
  if ((FOLLOW(struct inode___table, inode, i_mode) & FORMAT_MASK) != SOCKET_MODE) return 0;
  __u64 number = FOLLOW(struct inode___table, inode, i_ino);
  if (!is_wanted_socket(number)) return 0;
  struct super_block___table* system = FOLLOW(struct inode___table, inode, i_sb);
  return FOLLOW(struct super_block___table, system, s_magic) == SOCKET_MAGIC ? number : 0;
}

static __always_inline void write_descriptor(struct descriptor_walk* walk, __u64 inode, __u32 fd) {
  struct socket_descriptor descriptor = {.inode = inode, .pid = walk->task->tgid, .fd = fd};
  if (bpf_seq_write(walk->output, &descriptor, sizeof(descriptor)) != 0) walk->is_full = true;
}

static __always_inline void see_descriptor(struct descriptor_walk* walk, __u32 fd) {
  __u64 file = find_file(walk->task, fd);
  if (!file) return;
  __u64 inode = find_socket_inode(file);
  /* A file may be closed and its memory be another's meanwhile. What the descriptor still has was its own. */
  if (!inode || find_file(walk->task, fd) != file) return;
  walk->socket_count++;
  write_descriptor(walk, walk->socket_count > MAX_ITERATED_SOCKETS ? TOO_MANY_SOCKETS : inode, fd);
}

static __always_inline void begin_word(struct descriptor_walk* walk) {
  struct files_struct* files = walk->task->files;
  walk->first = walk->next;
  walk->next += BITS_OF_WORD;
  if (!files) return;
  struct fdtable___table* table = (struct fdtable___table*)files->fdt;
  walk->open = read_word(table->open_fds + walk->first / BITS_OF_WORD);
}

/* The compiler knows no instruction for it. */
static __always_inline __u32 find_lowest_bit(__u64 word) {
  __u32 bit = 0;
  for (__u32 width = BITS_OF_WORD / 2; width > 0; width /= 2) {
    if (word & ((1ull << width) - 1)) continue;
    word >>= width;
    bit += width;
  }
  return bit;
}

/* One step: a word of the bitmap, or one of its bits. */
static long step(__u64 index, struct descriptor_walk* walk) {
  if (walk->is_full || walk->socket_count > MAX_ITERATED_SOCKETS) return 1;
  if (walk->open == 0) {
    if (walk->next >= walk->end) return 1;
    begin_word(walk);
    return 0;
  }
  __u32 fd = walk->first + find_lowest_bit(walk->open);
  walk->open &= walk->open - 1;
  see_descriptor(walk, fd);
  return 0;
}

/* A task counts when it is told whole, or as one that holds too many. */
SEC("iter/task")
int read_task_sockets(struct bpf_iter__task___table* context) {
  struct task_struct* task = context->task;
  if (!task) return 0;
  struct descriptor_walk walk = {.output = context->meta->seq, .task = task};
  struct files_struct* files = task->files;
  if (task->tgid == task->pid && files) {
    walk.end = files->fdt->max_fds;
    /* The kernel takes no loop over a table of millions: whoever has such a one must not be able to hide in it. */
    if (bpf_loop(walk.end + walk.end / BITS_OF_WORD, step, &walk, 0) < 0) write_descriptor(&walk, TOO_MANY_SOCKETS, 0);
  }
  if (!walk.is_full) visited_tasks++;
  return 0;
}

/* For processes that hold too many to tell them at once. */
SEC("iter/task_file")
int read_task_file(struct bpf_iter__task_file___table* context) {
  struct task_struct* task = context->task;
  struct file* file = context->file;
  if (!task || !file || task->tgid != task->pid) return 0;
  if (!bpf_sock_from_file(file)) return 0;
  struct socket_descriptor descriptor = {
      .inode = ((struct file___table*)file)->f_inode->i_ino, .pid = task->tgid, .fd = context->fd};
  bpf_seq_write(context->meta->seq, &descriptor, sizeof(descriptor));
  return 0;
}
