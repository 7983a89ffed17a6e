/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* UDP datagrams that leave, and the questions and answers of DNS among them. Seen where a cgroup lets packets out and
 * in: once each, behind the rules of the packet filter. */
#pragma once

#include "network.bpf.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_UDP 17
#define UDP_HEADER_BYTES 8
#define DNS_PORT 53
#define DNS_IS_ANSWER 0x8000
#define LET_THROUGH 1

struct dns_header {
  __be16 id;
  __be16 flags;
  __be16 questions;
  __be16 answers;
  __be16 rest[2];
};

struct pending_key {
  __u64 socket_cookie;
  __u64 id;
};

struct pending_query {
  struct owner owner;
  __u64 since_ns;
};

/* Questions without an answer so far. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct pending_key);
  __type(value, struct pending_query);
} pending_queries SEC(".maps");

static __always_inline void place(struct endpoints* to, bool is_sent, __be16 source, __be16 destination) {
  to->local_port = bpf_ntohs(is_sent ? source : destination);
  to->remote_port = bpf_ntohs(is_sent ? destination : source);
}

/* Where the payload of a datagram begins; 0 for every other packet. */
static __always_inline __u32 read_datagram(struct __sk_buff* packet, struct endpoints* to, bool is_sent) {
  __u8* source = is_sent ? to->local_address : to->remote_address;
  __u8* destination = is_sent ? to->remote_address : to->local_address;
  __be16 ports[2];
  __u32 at = 40;
  if (packet->protocol == bpf_htons(ETH_P_IP)) {
    __u32 header[5];
    if (bpf_skb_load_bytes(packet, 0, header, sizeof(header)) != 0 || ((__u8*)header)[9] != IPPROTO_UDP) return 0;
    at = (((__u8*)header)[0] & 15) * 4;
    to->family = AF_INET;
    write_ipv4(source, header[3]);
    write_ipv4(destination, header[4]);
  } else {
    __u8 next = 0;
    if (packet->protocol != bpf_htons(ETH_P_IPV6)) return 0;
    if (bpf_skb_load_bytes(packet, 6, &next, sizeof(next)) != 0 || next != IPPROTO_UDP) return 0;
    to->family = AF_INET6;
    if (bpf_skb_load_bytes(packet, 8, source, ADDRESS_BYTES) != 0) return 0;
    if (bpf_skb_load_bytes(packet, 24, destination, ADDRESS_BYTES) != 0) return 0;
  }
  if (bpf_skb_load_bytes(packet, at, ports, sizeof(ports)) != 0) return 0;
  place(to, is_sent, ports[0], ports[1]);
  to->unused = 0;
  return at + UDP_HEADER_BYTES;
}

/* The other end as the socket knows it: address translation changes the packet's. */
static __always_inline void read_connected_end(struct __sk_buff* packet, struct endpoints* to) {
  struct bpf_sock* sk = packet->sk;
  if (!sk) return;
  to->family = sk->family;
  if (sk->dst_port == 0) return;
  to->remote_port = bpf_ntohs(sk->dst_port);
  if (sk->family == AF_INET) write_ipv4(to->remote_address, sk->dst_ip4);
  if (sk->family != AF_INET6) return;
  __u32* words = (__u32*)to->remote_address;
  words[0] = sk->dst_ip6[0];
  words[1] = sk->dst_ip6[1];
  words[2] = sk->dst_ip6[2];
  words[3] = sk->dst_ip6[3];
}
