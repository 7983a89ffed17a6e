/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which events pass. Part of session.bpf.h. */
#pragma once

#define AF_INET 2
#define AF_INET6 10

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, struct filter_key);
  __type(value, __u8);
} filter_values SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 8192);
  __type(key, struct network_key);
  __type(value, __u8);
} filter_networks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1024);
  __type(key, struct path_prefix_key);
  __type(value, __u8);
} filter_paths SEC(".maps");

/* Processes of the trees that a filter names. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 65536);
  __type(key, struct process_key);
  __type(value, struct tree_tag);
} tree_tags SEC(".maps");

static __always_inline bool has_value(__u32 generation, __u32 criterion, const void* value, __u32 bytes) {
  struct filter_key key = {.generation = generation, .criterion = criterion};
  __builtin_memcpy(key.value, value, bytes);
  return bpf_map_lookup_elem(&filter_values, &key) != NULL;
}

/* Of the process for an owner that was kept, and of the thread for a task that runs. */
static __always_inline bool has_comm(__u32 generation, const struct event_subject* subject) {
  char comm[COMM_BYTES] = {};
  /* Behind its zero a name may have the rest of a longer one before it. */
  bpf_probe_read_kernel_str(comm, sizeof(comm), subject->owner ? subject->owner->comm : subject->task->comm);
  return has_value(generation, FILTER_COMM, comm, sizeof(comm));
}

static __always_inline bool is_in_tree(__u32 generation, __u64 start_ns, __u32 pid) {
  struct process_key key = {.start_ns = start_ns, .pid = pid};
  struct tree_tag* tag = bpf_map_lookup_elem(&tree_tags, &key);
  return tag && tag->generations[generation & 1] == generation;
}

static __always_inline bool passes_process(__u32 generation, __u32 criteria, const struct event_subject* subject) {
  const struct owner* owner = subject->owner;
  if (criteria & FILTER_PID) {
    __u32 pid = owner ? owner->pid : process_number(subject->task);
    if (!has_value(generation, FILTER_PID, &pid, sizeof(pid))) return false;
  }
  if (criteria & FILTER_CGROUP) {
    __u64 cgroup = owner ? owner->cgroup_id : cgroup_of(subject->task);
    if (!has_value(generation, FILTER_CGROUP, &cgroup, sizeof(cgroup))) return false;
  }
  if (criteria & FILTER_USER) {
    __u32 user = owner ? owner->user_id : subject->task->cred->uid.val;
    if (!has_value(generation, FILTER_USER, &user, sizeof(user))) return false;
  }
  if (criteria & FILTER_TREE) {
    __u64 start_ns = owner ? owner->start_ns : subject->task->group_leader->start_boottime;
    if (!is_in_tree(generation, start_ns, owner ? owner->kernel_pid : (__u32)subject->task->tgid)) return false;
  }
  return !(criteria & FILTER_COMM) || has_comm(generation, subject);
}

static __always_inline bool is_in_networks(__u32 generation, const __u8* address) {
  struct network_key key = {.generation = generation, .family = AF_INET6};
  const __u32* words = (const __u32*)address;
  if (words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff)) {
    key.family = AF_INET;
    __builtin_memcpy(key.address, address + 12, 4);
  } else {
    __builtin_memcpy(key.address, address, ADDRESS_BYTES);
  }
  key.prefix_bits = 8 * (sizeof(key) - sizeof(key.prefix_bits));
  return bpf_map_lookup_elem(&filter_networks, &key) != NULL;
}

static __always_inline bool passes_network(__u32 generation, __u32 criteria, const struct endpoints* endpoints) {
  __u32 local = endpoints->local_port;
  __u32 remote = endpoints->remote_port;
  if ((criteria & FILTER_PORT) && !has_value(generation, FILTER_PORT, &remote, sizeof(remote)) &&
      !has_value(generation, FILTER_PORT, &local, sizeof(local)))
    return false;
  return !(criteria & FILTER_NETWORK) || is_in_networks(generation, endpoints->remote_address) ||
         is_in_networks(generation, endpoints->local_address);
}

/* An event whose owner nobody knows passes no criterion of processes. One that somebody does to another passes if
 * either does. */
static __always_inline bool passes(__u64 generation_and_criteria, const struct event_subject* subject) {
  const __u32 of_processes = FILTER_PID | FILTER_CGROUP | FILTER_USER | FILTER_COMM | FILTER_TREE;
  __u32 criteria = (__u32)generation_and_criteria;
  __u32 generation = generation_and_criteria >> 32;
  __u32 pid = subject->owner ? subject->owner->pid : process_number(subject->task);
  if (pid == filter.excluded_pid) return false;
  if (home_inode && pid == 0 && !(subject->other && process_number(subject->other))) return false;
  if (criteria == 0) return true;
  if (criteria & of_processes) {
    if (subject->owner && pid == 0) return false;
    const struct event_subject other = {.task = subject->other};
    if (!passes_process(generation, criteria, subject) &&
        !(subject->other && passes_process(generation, criteria, &other)))
      return false;
  }
  return !subject->endpoints || passes_network(generation, criteria, subject->endpoints);
}
