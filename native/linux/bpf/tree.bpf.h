/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which processes are in the trees that a filter names: those below its roots when it is set, and from then on their
 * children from the moment that they are made. */
#pragma once

#include "session.bpf.h"

/* Of the filter that is prepared. */
volatile __u32 next_generation = 0;
/* Processes that were tagged by hand so far. */
volatile __u64 tagged_processes = 0;
/* Processes of a tree for which there was no room: their events do not pass. */
volatile __u64 untagged_processes = 0;

static __always_inline struct process_key key_of(struct task_struct* task) {
  struct task_struct* leader = task->group_leader;
  return (struct process_key){.start_ns = leader->start_boottime, .pid = task->tgid};
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(inherit_tree, struct task_struct* parent, struct task_struct* child) {
  if (child->tgid == parent->tgid) return 0;
  struct process_key parent_key = key_of(parent);
  struct tree_tag* tag = bpf_map_lookup_elem(&tree_tags, &parent_key);
  if (!tag) return 0;
  struct process_key child_key = {.start_ns = child->start_boottime, .pid = child->tgid};
  struct tree_tag inherited = *tag;
  if (bpf_map_update_elem(&tree_tags, &child_key, &inherited, BPF_ANY) != 0)
    __sync_fetch_and_add(&untagged_processes, 1);
  return 0;
}

/* Not when it exits: what it has open ends after that, and is still its own. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(leave_tree, struct task_struct* task) {
  if (task->pid != task->tgid) return 0;
  struct process_key key = {.start_ns = task->start_boottime, .pid = task->tgid};
  bpf_map_delete_elem(&tree_tags, &key);
  return 0;
}

/* Tags roots and the children of whoever is tagged. Done again until it finds nobody, as a child may come before its
 * parent. */
SEC("iter/task")
int tag_trees(struct bpf_iter__task* context) {
  struct task_struct* task = context->task;
  if (!task || task->pid != task->tgid) return 0;
  __u32 generation = next_generation;
  struct process_key key = key_of(task);
  struct tree_tag* present = bpf_map_lookup_elem(&tree_tags, &key);
  __u32 slot = generation & 1;
  if (present && present->generations[slot] == generation) return 0;
  __u32 pid = process_number(task);
  if (!has_value(generation, FILTER_TREE, &pid, sizeof(pid))) {
    struct task_struct* parent = task->real_parent;
    struct process_key parent_key = key_of(parent);
    if (!is_in_tree(generation, parent_key.start_ns, parent_key.pid)) return 0;
  }
  struct tree_tag tag = {};
  if (present) tag = *present;
  if (slot == 0) {
    tag.generations[0] = generation;
  } else {
    tag.generations[1] = generation;
  }
  if (bpf_map_update_elem(&tree_tags, &key, &tag, BPF_ANY) != 0) {
    __sync_fetch_and_add(&untagged_processes, 1);
    return 0;
  }
  __sync_fetch_and_add(&tagged_processes, 1);
  return 0;
}
