// Which hook of the kernel tells which kind of event, and what it cannot tell.
import type { EventKind } from "../capture/event-layout.js";

export interface Hook {
  readonly hook: string;
  /** Empty when nothing is missing. */
  readonly weakness: string;
}

const systemCall = "tp_btf/sys_exit";
const givenPath =
  "a relative path that the kernel cannot resolve any more is told as the caller gave it, and is marked";
const ownerBySocket = "whose socket it is can be unknown; the process is 0 then";

export const hooks: Readonly<Record<EventKind, Hook>> = {
  exec: { hook: "tp_btf/sched_process_exec", weakness: "" },
  fork: { hook: "tp_btf/sched_process_fork", weakness: "" },
  exit: { hook: "tp_btf/sched_process_exit", weakness: "" },
  fileOpen: { hook: systemCall, weakness: "opens through io_uring are not seen" },
  fileRename: { hook: systemCall, weakness: givenPath },
  fileUnlink: { hook: systemCall, weakness: givenPath },
  fileRead: { hook: systemCall, weakness: "mapped memory and io_uring are not seen" },
  fileWrite: { hook: systemCall, weakness: "mapped memory and io_uring are not seen" },
  tcpConnect: { hook: "tp_btf/inet_sock_set_state", weakness: "" },
  tcpAccept: { hook: `tp_btf/inet_sock_set_state, ${systemCall}`, weakness: "" },
  tcpClose: { hook: "tp_btf/inet_sock_set_state, tp_btf/tcp_destroy_sock", weakness: ownerBySocket },
  tcpRetransmit: { hook: "tp_btf/tcp_retransmit_skb", weakness: ownerBySocket },
  tcpReset: { hook: "tp_btf/tcp_send_reset, tp_btf/tcp_receive_reset", weakness: ownerBySocket },
  udpSend: { hook: "cgroup_skb/egress", weakness: "what the packet filter drops is not seen" },
  dnsQuery: { hook: "cgroup_skb/egress", weakness: "only UDP to port 53: no DNS over TCP, TLS or HTTPS" },
  dnsAnswer: { hook: "cgroup_skb/ingress", weakness: "only UDP from port 53: no DNS over TCP, TLS or HTTPS" },
  signal: { hook: "tp_btf/signal_generate", weakness: "" },
  oomKill: { hook: "tp_btf/mark_victim", weakness: "" },
  capabilityCheck: { hook: "tp_btf/cap_capable", weakness: "" },
  moduleLoad: { hook: systemCall, weakness: "" },
  mount: { hook: systemCall, weakness: givenPath },
  umount: { hook: systemCall, weakness: givenPath },
  blockIo: {
    hook: "tp_btf/block_rq_issue, tp_btf/block_rq_complete",
    weakness: "who wrote is often the kernel's own writer",
  },
};

export const profileHook: Hook = {
  hook: "perf_event/cpu-clock",
  weakness: "user stacks are walked by frame pointers: code without them hides its callers",
};
