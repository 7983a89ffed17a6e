/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TCP and UDP sockets of the reader's network namespace. */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "iterator_layout.h"
#include "iterator_types.h"

#define INET 2   /* AF_INET */
#define INET6 10 /* AF_INET6 */
#define SYN_RECEIVED 3
#define REQUEST_RECEIVED 12 /* TCP_NEW_SYN_RECV */

/* Only sockets that have this port as their own are told; 0 for all. */
volatile __u16 wanted_port = 0;

/* 0 for a socket that no process holds any more. */
static __always_inline __u64 find_inode(struct sock* sock) {
  struct sock___inode* with_inode = (struct sock___inode*)sock;
  /* Linux 6.18 (5d6b58c932ec) keeps the number in the socket itself. */
  if (bpf_core_field_exists(with_inode->sk_ino)) return BPF_CORE_READ(with_inode, sk_ino);
  struct socket_alloc* held = (struct socket_alloc*)BPF_CORE_READ(with_inode, sk_socket);
  return held ? BPF_CORE_READ(held, vfs_inode.i_ino) : 0;
}

static __always_inline bool is_wanted(struct sock_common* common) {
  if (common->skc_family != INET && common->skc_family != INET6) return false;
  return wanted_port == 0 || common->skc_num == wanted_port;
}

static __always_inline void write_socket(struct seq_file* output, struct sock_common* common, __u64 inode,
                                         __u32 state) {
  struct inet_socket socket = {
      .inode = inode,
      .state = state,
      .family = common->skc_family,
      .port = common->skc_num,
      .remote_port = bpf_ntohs(common->skc_dport),
  };
  if (socket.family == INET) {
    __builtin_memcpy(socket.address, (const void*)&common->skc_rcv_saddr, sizeof(__be32));
    __builtin_memcpy(socket.remote_address, (const void*)&common->skc_daddr, sizeof(__be32));
  } else {
    bpf_probe_read_kernel(socket.address, sizeof(socket.address), &common->skc_v6_rcv_saddr);
    bpf_probe_read_kernel(socket.remote_address, sizeof(socket.remote_address), &common->skc_v6_daddr);
  }
  bpf_seq_write(output, &socket, sizeof(socket));
}

/* A connection that is being made, or that only waits for its time to pass, is less than a socket and has no inode. */
SEC("iter/tcp")
int read_tcp(struct bpf_iter__tcp___table* context) {
  struct sock_common* common = context->sk_common;
  if (!common || !is_wanted(common)) return 0;
  __u32 state = common->skc_state;
  __u64 inode = 0;
  struct tcp_sock* whole = bpf_skc_to_tcp_sock(common);
  struct tcp_timewait_sock* waiting = bpf_skc_to_tcp_timewait_sock(common);
  if (whole) inode = find_inode((struct sock*)whole);
  if (waiting) state = waiting->tw_sk.tw_substate;
  if (state == REQUEST_RECEIVED) state = SYN_RECEIVED;
  write_socket(context->meta->seq, common, inode, state);
  return 0;
}

SEC("iter/udp")
int read_udp(struct bpf_iter__udp___table* context) {
  struct udp_sock___table* udp = context->udp_sk;
  if (!udp) return 0;
  struct sock_common* common = &udp->inet.sk.__sk_common;
  if (!is_wanted(common)) return 0;
  write_socket(context->meta->seq, common, find_inode(&udp->inet.sk), common->skc_state);
  return 0;
}
