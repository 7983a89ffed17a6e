/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Datagrams as events: each that leaves, and the questions and answers of DNS. */
#pragma once

#include "datagram.bpf.h"

static __always_inline bool read_dns(struct __sk_buff* packet, __u32 payload, struct dns_header* dns, bool is_answer) {
  if (bpf_skb_load_bytes(packet, payload, dns, sizeof(*dns)) != 0 || dns->questions == 0) return false;
  return !!(dns->flags & bpf_htons(DNS_IS_ANSWER)) == is_answer;
}

static __always_inline void tell_dns(struct __sk_buff* packet, __u32 kind, const struct pending_query* query,
                                     const struct endpoints* endpoints, const struct dns_header* dns, __u32 question) {
  struct draft draft;
  struct network_event* network = begin_network(&draft, kind, query ? &query->owner : NULL, endpoints);
  if (!network) return;
  struct dns_event* event = (struct dns_event*)network;
  event->latency_ns = kind == EVENT_DNS_ANSWER ? time_since(network, query ? query->since_ns : 0) : 0;
  event->id = bpf_ntohs(dns->id);
  event->flags = bpf_ntohs(dns->flags);
  event->answers = bpf_ntohs(dns->answers);
  event->questions = bpf_ntohs(dns->questions);
  __u32 bytes = packet->len - question;
  if (bytes > MAX_QUESTION_BYTES) bytes = MAX_QUESTION_BYTES;
  asm volatile("" : "+r"(bytes));
  bytes &= 511;
  if (bytes == 0 || bpf_skb_load_bytes(packet, question, event + 1, bytes) != 0) {
    abandon(&draft);
    return;
  }
  submit(&draft, sizeof(*event), bytes);
}

static __always_inline void tell_datagram(struct __sk_buff* packet, const struct owner* owner,
                                          const struct endpoints* endpoints, __u32 payload) {
  struct draft draft;
  struct network_event* network = begin_network(&draft, EVENT_UDP_SEND, owner, endpoints);
  if (!network) return;
  struct udp_send_event* event = (struct udp_send_event*)network;
  event->bytes = packet->len - payload;
  event->unused = 0;
  submit(&draft, sizeof(*event), 0);
}

/* Runs as the process that sends. */
SEC("?cgroup_skb/egress")
int on_datagram_sent(struct __sk_buff* packet) {
  struct endpoints endpoints = {};
  struct dns_header dns;
  __u32 payload = read_datagram(packet, &endpoints, true);
  if (payload == 0) return LET_THROUGH;
  read_connected_end(packet, &endpoints);
  struct pending_query query = {.since_ns = bpf_ktime_get_boot_ns()};
  describe((struct task_struct*)bpf_get_current_task_btf(), &query.owner);
  tell_datagram(packet, &query.owner, &endpoints, payload);
  if (endpoints.remote_port != DNS_PORT || !read_dns(packet, payload, &dns, false)) return LET_THROUGH;
  if (filter.kinds & (1u << EVENT_DNS_ANSWER)) {
    struct pending_key key = {.socket_cookie = bpf_get_socket_cookie(packet), .id = dns.id};
    bpf_map_update_elem(&pending_queries, &key, &query, BPF_ANY);
  }
  tell_dns(packet, EVENT_DNS_QUERY, &query, &endpoints, &dns, payload + sizeof(dns));
  return LET_THROUGH;
}

/* Runs as whoever is interrupted. */
SEC("?cgroup_skb/ingress")
int on_datagram_received(struct __sk_buff* packet) {
  struct endpoints endpoints = {};
  struct dns_header dns;
  __u32 payload = read_datagram(packet, &endpoints, false);
  if (payload == 0 || endpoints.remote_port != DNS_PORT || !read_dns(packet, payload, &dns, true)) return LET_THROUGH;
  struct bpf_sock* sk = packet->sk;
  if (sk) endpoints.family = sk->family;
  struct pending_key key = {.socket_cookie = bpf_get_socket_cookie(packet), .id = dns.id};
  struct pending_query* query = bpf_map_lookup_elem(&pending_queries, &key);
  tell_dns(packet, EVENT_DNS_ANSWER, query, &endpoints, &dns, payload + sizeof(dns));
  if (query) bpf_map_delete_elem(&pending_queries, &key);
  return LET_THROUGH;
}
