/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Descriptors that are sockets. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "iterator_layout.h"
#include "iterator_types.h"

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
