/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TCP connections that begin and end. */
#pragma once

#include "network.bpf.h"

#define EADDRNOTAVAIL 99
#define ECANCELED 125
#define SOCK_DONE_BIT 1

/* Runs as the process that connects or listens. */
static __always_inline void keep_caller(const void* sk, bool is_connecting) {
  struct socket_state state = {.since_ns = bpf_ktime_get_boot_ns(), .is_connecting = is_connecting};
  describe((struct task_struct*)bpf_get_current_task_btf(), &state.owner);
  keep_socket(sk, &state, BPF_ANY);
}

/* With 0, or a negative errno. */
static __always_inline void tell_connect(const struct socket_state* state, const struct endpoints* endpoints,
                                         __s32 result) {
  struct draft draft;
  struct network_event* network = begin_network(&draft, EVENT_TCP_CONNECT, state ? &state->owner : NULL, endpoints);
  if (!network) return;
  struct tcp_connect_event* event = (struct tcp_connect_event*)network;
  event->latency_ns = time_since(network, state ? state->since_ns : 0);
  event->result = result;
  event->unused = 0;
  submit(&draft, sizeof(*event), 0);
}

static __always_inline void tell_close(const void* sk, const struct socket_state* state) {
  struct draft draft;
  struct endpoints endpoints;
  read_endpoints(sk, &endpoints);
  struct network_event* network = begin_network(&draft, EVENT_TCP_CLOSE, state ? &state->owner : NULL, &endpoints);
  if (!network) return;
  const struct tcp_sock* tcp = sk;
  struct tcp_close_event* event = (struct tcp_close_event*)network;
  event->sent_bytes = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
  /* The end that the other side sent is in its sequence, and so in the kernel's count. */
  __u64 has_end = BPF_CORE_READ((const struct sock_common*)sk, skc_flags) >> SOCK_DONE_BIT & 1;
  event->received_bytes = BPF_CORE_READ(tcp, bytes_received) - has_end;
  event->duration_ns = time_since(network, state ? state->since_ns : 0);
  event->retransmits = BPF_CORE_READ(tcp, total_retrans);
  event->result = -BPF_CORE_READ((const struct sock*)sk, sk_err);
  submit(&draft, sizeof(*event), 0);
}

static __always_inline void on_established(const void* sk, int old_state) {
  struct socket_state* state = find_socket(sk);
  if (old_state == TCP_SYN_SENT || (state && state->is_connecting)) {
    struct endpoints endpoints;
    read_endpoints(sk, &endpoints);
    tell_connect(state, &endpoints, 0);
  }
  __u64 now_ns = bpf_ktime_get_boot_ns();
  if (state) {
    state->since_ns = now_ns;
    state->is_connecting = false;
    return;
  }
  const struct socket_state fresh = {.since_ns = now_ns};
  keep_socket(sk, &fresh, BPF_ANY);
}

static __always_inline void on_closed(const void* sk, int old_state) {
  struct socket_state* state = find_socket(sk);
  if (old_state == TCP_SYN_SENT || (state && state->is_connecting)) {
    struct endpoints endpoints;
    read_endpoints(sk, &endpoints);
    __s32 error = BPF_CORE_READ((const struct sock*)sk, sk_err);
    /* None is written down when no local port was free, or when the process gave up. */
    if (error == 0) error = endpoints.local_port == 0 ? EADDRNOTAVAIL : ECANCELED;
    tell_connect(state, &endpoints, -error);
    if (state) state->is_connecting = false;
    if (state) state->is_failure_told = true;
  } else if (old_state != TCP_LISTEN && old_state != TCP_SYN_RECV && old_state != TCP_CLOSE) {
    tell_close(sk, state);
  }
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, const struct sock* sk, int old_state, int new_state) {
  if (sk->sk_protocol != IPPROTO_TCP) return 0;
  if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN) {
    keep_caller(sk, new_state == TCP_SYN_SENT);
  } else if (new_state == TCP_ESTABLISHED) {
    on_established(sk, old_state);
  } else if (new_state == TCP_CLOSE) {
    on_closed(sk, old_state);
  }
  return 0;
}

/* Its address may be another socket's at once. */
SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(on_tcp_destroyed, const struct sock* sk) {
  __u64 key = (__u64)sk;
  bpf_map_delete_elem(&sockets, &key);
  return 0;
}
