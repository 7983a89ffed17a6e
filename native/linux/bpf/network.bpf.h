/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets: their two ends, and whose they are. The kernel often works on a socket while some other process runs, so the
 * owner is kept when the process itself connects, listens or accepts. */
#pragma once

#include "session.bpf.h"

#define IPPROTO_TCP 6

enum tcp_state {
  TCP_ESTABLISHED = 1,
  TCP_SYN_SENT = 2,
  TCP_SYN_RECV = 3,
  TCP_TIME_WAIT = 6,
  TCP_CLOSE = 7,
  TCP_LISTEN = 10,
  TCP_NEW_SYN_RECV = 12,
};

struct socket_state {
  struct owner owner;
  __u64 since_ns; /* connecting, later connected; 0: nobody saw it begin */
  __u32 is_connecting;
  __u32 is_failure_told;
};

/* By the address of the kernel's socket. The least used one gives way when there are too many: it then has no owner. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, __u64);
  __type(value, struct socket_state);
} sockets SEC(".maps");

static __always_inline struct socket_state* find_socket(const void* sk) {
  __u64 key = (__u64)sk;
  return bpf_map_lookup_elem(&sockets, &key);
}

static __always_inline void keep_socket(const void* sk, const struct socket_state* state, __u64 how) {
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&sockets, &key, state, how);
}

static __always_inline void write_ipv4(__u8* to, __be32 address) {
  __u32* words = (__u32*)to;
  words[0] = 0;
  words[1] = 0;
  words[2] = bpf_htonl(0xffff);
  words[3] = address;
}

static __always_inline bool is_ipv6_known(const struct sock_common* common) {
  return bpf_core_field_exists(common->skc_v6_daddr);
}

/* A request and one that waits for its time to end have the common part only. */
static __always_inline bool is_whole(__u8 state) { return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV; }

static __always_inline __u8 state_of(const void* sk) { return BPF_CORE_READ((const struct sock_common*)sk, skc_state); }

static __always_inline void read_endpoints(const void* sk, struct endpoints* to) {
  const struct sock_common* common = sk;
  to->family = BPF_CORE_READ(common, skc_family);
  to->unused = 0;
  to->remote_port = bpf_ntohs(BPF_CORE_READ(common, skc_dport));
  /* A closed socket has given its port back, and still remembers it. */
  to->local_port = is_whole(state_of(sk)) ? bpf_ntohs(BPF_CORE_READ((const struct inet_sock*)sk, inet_sport))
                                          : BPF_CORE_READ(common, skc_num);
  if (to->family == AF_INET6 && is_ipv6_known(common)) {
    BPF_CORE_READ_INTO(&to->remote_address, common, skc_v6_daddr);
    BPF_CORE_READ_INTO(&to->local_address, common, skc_v6_rcv_saddr);
  } else {
    write_ipv4(to->remote_address, BPF_CORE_READ(common, skc_daddr));
    write_ipv4(to->local_address, BPF_CORE_READ(common, skc_rcv_saddr));
  }
}

static __always_inline bool is_internet_family(__u16 family) { return family == AF_INET || family == AF_INET6; }

/* Begins an event of a socket; without an owner it is nobody's. */
static __always_inline struct network_event* begin_network(struct draft* draft, __u32 kind, const struct owner* owner,
                                                           const struct endpoints* endpoints) {
  const struct owner nobody = {};
  const struct event_subject subject = {.owner = owner ? owner : &nobody, .endpoints = endpoints};
  if (!begin_of(draft, kind, &subject)) return NULL;
  struct network_event* event = (struct network_event*)draft->record;
  event->endpoints = *endpoints;
  if (event->header.pid != 0) event->header.flags |= EVENT_FLAG_OWNER_KNOWN;
  return event;
}

/* How long ago it began, when that is known. */
static __always_inline __u64 time_since(struct network_event* event, __u64 since_ns) {
  if (since_ns == 0) return 0;
  event->header.flags |= EVENT_FLAG_SINCE_KNOWN;
  return event->header.time_ns - since_ns;
}
