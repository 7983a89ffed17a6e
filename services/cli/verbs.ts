// The verbs of the command line, in the order of the help. Loading one is all that its file costs the others.
import type { Command } from "commander";

/** A verb: its name, what it does, and where its options and its action are. */
export interface Verb {
  readonly name: string;
  readonly description: string;
  load(): Promise<Command>;
}

export const verbs: readonly Verb[] = [
  {
    name: "up",
    description: "run everything in one process and answer for this machine",
    load: async () => (await import("./up.js")).up,
  },
  {
    name: "hosts",
    description: "list hosts of the fleet with their facts",
    load: async () => (await import("./hosts.js")).hosts,
  },
  {
    name: "forget",
    description: "forget hosts that are offline; their answers are kept, and they are known again when they attach",
    load: async () => (await import("./forget.js")).forget,
  },
  {
    name: "ask",
    description: "ask hosts one question and print one summary",
    load: async () => (await import("./ask.js")).ask,
  },
  {
    name: "trace",
    description: "watch what happens in the kernels of hosts, as it happens: events, or a CPU profile",
    load: async () => (await import("./trace.js")).trace,
  },
  {
    name: "change",
    description: "plan a change: a dry run on every host; nothing changes before `commit`",
    load: async () => (await import("./change.js")).change,
  },
  {
    name: "commit",
    description: "carry out a plan on exactly its hosts, once; on 10 or more in waves",
    load: async () => (await import("./commit.js")).commit,
  },
  {
    name: "resume",
    description: "go on with the waves of a halted change; what had failed is accepted",
    load: async () => (await import("./resume.js")).resume,
  },
  {
    name: "open",
    description: "open the raw answers of a run or of a summary's handle",
    load: async () => (await import("./open.js")).open,
  },
  {
    name: "runs",
    description: "list runs, newest first, or show one",
    load: async () => (await import("./runs.js")).runs,
  },
  {
    name: "cancel",
    description: "end a run now; what has begun on a host goes on to its end there",
    load: async () => (await import("./runs.js")).cancel,
  },
  { name: "mcp", description: "serve MCP on stdin and stdout", load: async () => (await import("./mcp.js")).mcp },
  {
    name: "daemon",
    description: "attach this host to a fleet and carry out its signed commands",
    load: async () => (await import("./daemon.js")).daemon,
  },
  {
    name: "doctor",
    description: "tell what this host lacks as a daemon's host, and what of it can be traced",
    load: async () => (await import("./doctor.js")).doctor,
  },
  {
    name: "relay",
    description: "take daemons for a control plane that runs elsewhere",
    load: async () => (await import("./relay.js")).relay,
  },
  {
    name: "emulate",
    description:
      "attach made-up hosts to a fleet: the real daemon with its own identity, connection and journal for each, on a simulated provider",
    load: async () => (await import("./emulate.js")).emulate,
  },
];
