// Where the fields of a record lie. native/linux/bpf/event_layout.h says the same; a change of either changes the version.

/** The addon's layout must have this number. */
export const eventLayoutVersion = 1;

/** Kinds of events. */
export const eventKinds = {
  exec: 1,
  fork: 2,
  exit: 3,
  fileOpen: 4,
  tcpConnect: 8,
  tcpAccept: 9,
  tcpClose: 10,
  tcpRetransmit: 11,
  tcpReset: 12,
  udpSend: 13,
  dnsQuery: 14,
  dnsAnswer: 15,
} as const;

export type EventKind = keyof typeof eventKinds;

/** Offsets in the header that every record begins with. */
export const header = {
  size: 0,
  kind: 2,
  flags: 3,
  cpu: 4,
  strings: 6,
  sequence: 8,
  time: 16,
  start: 24,
  cgroup: 32,
  pid: 40,
  tid: 44,
  parent: 48,
  user: 52,
  comm: 56,
  end: 72,
} as const;

/** Bytes of a task's name, with zeros at the end. */
export const commBytes = 16;

/** Flag of a path that is the kernel's own, last name first; without it, the bytes that the caller gave. */
export const resolvedFlag = 1;

/** What became of the events of a kind, in the order of the account's words. */
export const accountFields = [
  "attempted",
  "filtered",
  "rateLimited",
  "ringFull",
  "noScratch",
  "unreadable",
  "submitted",
] as const;

/** attempted = filtered + rateLimited + ringFull + noScratch + unreadable + submitted; numbers only grow. */
export type KindAccount = Readonly<Record<(typeof accountFields)[number], number>>;
