/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TCP segments that had to be sent again, and connections that are reset. */
#pragma once

#include "network.bpf.h"

static __always_inline void tell_retransmit(const void* sk, const void* owned, __u32 retransmits) {
  struct draft draft;
  struct endpoints endpoints;
  read_endpoints(sk, &endpoints);
  struct socket_state* state = find_socket(owned);
  struct network_event* network = begin_network(&draft, EVENT_TCP_RETRANSMIT, state ? &state->owner : NULL, &endpoints);
  if (!network) return;
  struct tcp_retransmit_event* event = (struct tcp_retransmit_event*)network;
  event->state = state_of(sk);
  event->retransmits = retransmits;
  submit(&draft, sizeof(*event), 0);
}

SEC("?tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, const struct sock* sk) {
  tell_retransmit(sk, sk, BPF_CORE_READ((const struct tcp_sock*)sk, total_retrans));
  return 0;
}

/* The answer to the first packet of a connection, which is its listener's until it is there. It is counted afterwards.
 */
SEC("?tp_btf/tcp_retransmit_synack")
int BPF_PROG(on_retransmit_synack, const struct sock* listener, const struct request_sock* request) {
  tell_retransmit(request, listener, BPF_CORE_READ(request, num_retrans) + 1);
  return 0;
}

/* The ends that a packet names which came in. */
static __always_inline bool read_packet_endpoints(const struct sk_buff* packet, struct endpoints* to) {
  const unsigned char* head = BPF_CORE_READ(packet, head);
  const unsigned char* network = head + BPF_CORE_READ(packet, network_header);
  __u8 version = 0;
  __be32 pair[2] = {};
  __be16 ports[2] = {};
  bpf_probe_read_kernel(&version, sizeof(version), network);
  bpf_probe_read_kernel(ports, sizeof(ports), head + BPF_CORE_READ(packet, transport_header));
  to->remote_port = bpf_ntohs(ports[0]);
  to->local_port = bpf_ntohs(ports[1]);
  to->unused = 0;
  if (version >> 4 == 6) {
    to->family = AF_INET6;
    bpf_probe_read_kernel(to->remote_address, ADDRESS_BYTES, network + 8);
    return bpf_probe_read_kernel(to->local_address, ADDRESS_BYTES, network + 24) == 0;
  }
  to->family = AF_INET;
  if (version >> 4 != 4 || bpf_probe_read_kernel(pair, sizeof(pair), network + 12) != 0) return false;
  write_ipv4(to->remote_address, pair[0]);
  write_ipv4(to->local_address, pair[1]);
  return true;
}

static __always_inline void tell_reset(const void* sk, const struct endpoints* endpoints, bool is_received) {
  struct draft draft;
  struct socket_state* owned = find_socket(sk);
  struct network_event* network = begin_network(&draft, EVENT_TCP_RESET, owned ? &owned->owner : NULL, endpoints);
  if (!network) return;
  struct tcp_reset_event* event = (struct tcp_reset_event*)network;
  event->is_received = is_received;
  event->state = sk ? state_of(sk) : 0;
  submit(&draft, sizeof(*event), 0);
}

/* A listener and a request do not know the other end as the packet does; without a packet it is the socket's own doing.
 */
SEC("?tp_btf/tcp_send_reset")
int BPF_PROG(on_reset_sent, const struct sock* sk, const struct sk_buff* packet) {
  struct endpoints endpoints;
  __u8 state = sk ? state_of(sk) : 0;
  if (sk && state != TCP_LISTEN && state != TCP_NEW_SYN_RECV) {
    read_endpoints(sk, &endpoints);
  } else if (!packet || !read_packet_endpoints(packet, &endpoints)) {
    return 0;
  }
  tell_reset(sk, &endpoints, false);
  return 0;
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(on_reset_received, const struct sock* sk) {
  struct endpoints endpoints;
  read_endpoints(sk, &endpoints);
  tell_reset(sk, &endpoints, true);
  return 0;
}
