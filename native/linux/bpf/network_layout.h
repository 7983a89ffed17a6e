/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records of network events. services/providers/linux/capture/decode-network.ts says the same. */
#pragma once

#include <linux/types.h>

#include "event_layout.h"

#define ADDRESS_BYTES 16
#define MAX_QUESTION_BYTES 260

/* Flags of network events. */
#define EVENT_FLAG_OWNER_KNOWN 2  /* the header names the process; otherwise nobody saw who it was */
#define EVENT_FLAG_SINCE_KNOWN 4  /* the time that it took is known: its begin was seen, too */
#define EVENT_FLAG_REMOTE_GIVEN 8 /* the remote end is what the caller gave, read after the call */

/* Both ends of a socket. An address of IPv4 is ::ffff:a.b.c.d, whatever the socket is. */
struct endpoints {
  __u8 local_address[ADDRESS_BYTES];
  __u8 remote_address[ADDRESS_BYTES];
  __u16 local_port;
  __u16 remote_port;
  __u16 family; /* of the socket; AF_INET6 with addresses of IPv4 is a socket that speaks both */
  __u16 unused;
};

struct network_event {
  struct event_header header;
  struct endpoints endpoints;
};

/* Ends when the connection is there or will not be. */
struct tcp_connect_event {
  struct network_event network;
  __u64 latency_ns;
  __s32 result; /* 0, or a negative errno */
  __u32 unused;
};

struct tcp_accept_event {
  struct network_event network;
  __u64 waited_ns; /* between the handshake and accept(2) */
  __s32 result;    /* descriptor, or a negative errno */
  __u32 unused;
};

struct tcp_close_event {
  struct network_event network;
  __u64 sent_bytes; /* each counted once, however often it was sent */
  __u64 received_bytes;
  __u64 duration_ns;
  __u32 retransmits;
  __s32 result; /* 0: both sides ended it; otherwise a negative errno */
};

struct tcp_retransmit_event {
  struct network_event network;
  __u32 state;       /* of the connection, as in <net/tcp_states.h> */
  __u32 retransmits; /* of this connection, with this one */
};

struct tcp_reset_event {
  struct network_event network;
  __u32 is_received;
  __u32 state; /* 0: there is no socket, so nobody listens */
};

struct udp_send_event {
  struct network_event network;
  __u32 bytes; /* of the payload */
  __u32 unused;
};

/* Strings: the question as it is on the wire. */
struct dns_event {
  struct network_event network;
  __u64 latency_ns; /* of an answer */
  __u16 id;
  __u16 flags; /* of the DNS header */
  __u16 answers;
  __u16 questions;
};
