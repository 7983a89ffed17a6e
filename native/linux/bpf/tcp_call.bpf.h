/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Processes that connect and accept: what only their system calls show. */
#pragma once

#include "network.bpf.h"
#include "path.bpf.h"
#include "syscall.bpf.h"

#define EINTR 4
#define EAGAIN 11
#define EALREADY 114
#define EINPROGRESS 115
#define FIRST_RESTART 512
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* The TCP socket of a descriptor, if it is one. */
static __always_inline const struct sock* tcp_socket_of(struct task_struct* task, __s32 descriptor) {
  struct file* file = file_of(task, descriptor);
  if (!file || (BPF_CORE_READ(file, f_path.dentry, d_inode, i_mode) & S_IFMT) != S_IFSOCK) return NULL;
  const struct socket* socket = BPF_CORE_READ(file, private_data);
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk || !is_internet_family(BPF_CORE_READ(sk, __sk_common.skc_family))) return NULL;
  return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? sk : NULL;
}

static __always_inline bool is_still_going_on(long result) {
  return result == -EAGAIN || result == -EINTR || result == -EALREADY || result == -EINPROGRESS ||
         result <= -FIRST_RESTART;
}

static __always_inline void on_accepted(struct task_struct* task, struct pt_regs* regs, long result) {
  const struct sock* sk = tcp_socket_of(task, result >= 0 ? (__s32)result : (__s32)ARGUMENT_0(regs));
  if (!sk) return;
  struct socket_state* state = find_socket(sk);
  struct socket_state accepted = {.since_ns = result >= 0 && state ? state->since_ns : 0};
  describe(task, &accepted.owner);
  if (result >= 0) keep_socket(sk, &accepted, BPF_ANY);
  struct draft draft;
  struct endpoints endpoints;
  read_endpoints(sk, &endpoints);
  struct network_event* network = begin_network(&draft, EVENT_TCP_ACCEPT, &accepted.owner, &endpoints);
  if (!network) return;
  struct tcp_accept_event* event = (struct tcp_accept_event*)network;
  event->waited_ns = time_since(network, accepted.since_ns);
  event->result = result;
  event->unused = 0;
  submit(&draft, sizeof(*event), 0);
}

/* The remote end as the caller gave it: { family, port, address } of IPv4, { family, port, flow, address } of IPv6. */
static __always_inline bool read_given_address(const void* given, struct endpoints* to) {
  struct {
    __u16 family;
    __be16 port;
    __be32 flow_or_ipv4;
  } start = {};
  if (bpf_probe_read_user(&start, sizeof(start), given) != 0) return false;
  to->remote_port = bpf_ntohs(start.port);
  if (start.family == AF_INET6) return bpf_probe_read_user(to->remote_address, ADDRESS_BYTES, given + 8) == 0;
  write_ipv4(to->remote_address, start.flow_or_ipv4);
  return start.family == AF_INET;
}

/* A connect that failed before a packet went out, for want of a route for instance: the state of its socket never
 * changed. */
static __always_inline void on_connect_failed(struct task_struct* task, struct pt_regs* regs, long result) {
  const struct sock* sk = tcp_socket_of(task, (__s32)ARGUMENT_0(regs));
  if (!sk || state_of(sk) != TCP_CLOSE) return;
  struct socket_state* state = find_socket(sk);
  if (state && state->is_failure_told) {
    state->is_failure_told = false;
    return;
  }
  struct draft draft;
  struct endpoints endpoints;
  struct owner owner;
  read_endpoints(sk, &endpoints);
  if (!read_given_address((const void*)ARGUMENT_1(regs), &endpoints)) return;
  describe(task, &owner);
  struct network_event* network = begin_network(&draft, EVENT_TCP_CONNECT, &owner, &endpoints);
  if (!network) return;
  struct tcp_connect_event* event = (struct tcp_connect_event*)network;
  network->header.flags |= EVENT_FLAG_REMOTE_GIVEN;
  event->latency_ns = 0;
  event->result = result;
  event->unused = 0;
  submit(&draft, sizeof(*event), 0);
}

static __noinline void on_socket_call(struct task_struct* task, struct pt_regs* regs, long result) {
  int number = SYSCALL_NUMBER(regs);
  if (number != __NR_connect && number != __NR_accept && number != __NR_accept4) return;
  if (result < 0 && is_still_going_on(result)) return;
  if (number != __NR_connect) {
    on_accepted(task, regs, result);
  } else if (result < 0) {
    on_connect_failed(task, regs, result);
  }
}

/* Read once when a session begins: the owners of the sockets that there are. */
SEC("?iter/task_file")
int keep_present_owners(struct bpf_iter__task_file* context) {
  struct task_struct* task = context->task;
  struct file* file = context->file;
  if (!task || !file) return 0;
  struct socket* socket = bpf_sock_from_file(file);
  if (!socket) return 0;
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP) return 0;
  struct socket_state state = {};
  describe(task, &state.owner);
  keep_socket(sk, &state, BPF_NOEXIST);
  return 0;
}
