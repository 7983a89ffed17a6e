// The daemon: one host's part of the fleet. It dials a relay, believes only what the fleet signed, runs it on the provider,
// and answers; at its own address it answers direct gRPC clients with the same services.
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { type HostFacts, HostFactsSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { VerifyingKey } from "../identity/signing-key.js";
import { createOperationRunner, type OperationRunner, type RunnerLimits } from "../providers/operation-runner.js";
import type { OSProvider } from "../providers/os-provider.js";
import type { GrpcServer, ListenAddress } from "../shared/grpc-server.js";
import type { Logger } from "../shared/log.js";
import { validate } from "../shared/validation.js";
import { productVersion, protocolVersion } from "../shared/version.js";
import { type BackoffOptions, defaultBackoff } from "./backoff.js";
import { createDaemonCounters, type DaemonCounters, type DaemonGauges } from "./daemon-counters.js";
import type { ClientTls, TlsMemory } from "./dial-socket.js";
import { createDeliveryHandler } from "./handle-delivery.js";
import { type Journal, openJournal } from "./journal.js";
import { createOutbox } from "./outbox.js";
import { connectRelay, type RelayConnection } from "./relay-connection.js";
import { type CommandRunner, createCommandRunner } from "./run-command.js";
import { stayAttached } from "./stay-attached.js";

export interface DaemonOptions {
  /** Stays the caller's: closed after the daemon. */
  readonly provider: OSProvider;
  /** Tried in random order until one takes the daemon. None: direct clients alone. */
  readonly relayUrls: readonly string[];
  readonly fleetId: string;
  readonly verifyingKey: VerifyingKey;
  /** Journal and replay memory; belongs to this daemon alone. */
  readonly stateDirectory: string;
  /** Instead of the one in the state directory; closed with the daemon. */
  readonly journal?: Journal;
  /** Name in the fleet; the host name when absent. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where direct gRPC clients are answered; they present the token. */
  readonly listen?: ListenAddress & { readonly token: string };
  /** Around the calls of direct clients, for those who measure and trace. */
  readonly observers?: readonly Interceptor[];
  /** For https relays. */
  readonly tls?: ClientTls;
  readonly log: Logger;
  readonly backoff?: BackoffOptions;
  readonly limits?: Partial<RunnerLimits>;
  /** The host's clock; the process's when absent. */
  readonly clock?: () => number;
  /** Counts here, together with whoever else does. */
  readonly counters?: DaemonCounters;
  /** How relays are dialled; as connectRelay does when absent. */
  readonly connect?: typeof connectRelay;
}

export interface Daemon {
  readonly hostId: string;
  /** Present when it listens. */
  readonly directUrl?: string;
  counters(): Readonly<DaemonCounters>;
  gauges(): DaemonGauges;
  /** Takes no more commands, lets a change that runs end for a while, then leaves. */
  close(): Promise<void>;
}

// Longer than a relay needs to take back a fleet that comes all at once: a daemon that gives up before makes it only longer.
const welcomeTimeoutMs = 30_000;
const closeGraceMs = 10_000;

/** Resolves when the journal is open and direct clients are served; attaching goes on by itself. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const facts = await collectFacts(options);
  const { hostId } = facts;
  const log = options.log.child({ hostId });
  const { clock = Date.now } = options;
  const journal = options.journal ?? (await openJournal(join(options.stateDirectory, "journal"), clock));
  const counters = options.counters ?? createDaemonCounters();
  const runner = createOperationRunner(options.provider, log, options.limits);
  const outbox = createOutbox(counters, log, (reply) => void commands.confirm(reply));
  const commands: CommandRunner = createCommandRunner({
    hostId,
    runner,
    journal,
    send: outbox.send,
    counters,
    log,
    clock,
  });
  const onDelivery = createDeliveryHandler({ ...options, hostId, commands, send: outbox.send, counters, log, clock });
  const direct = await answerDirectClients(runner, options, log).catch(async (error) => {
    outbox.close();
    await journal.close();
    throw error;
  });

  const { tls = {} } = options;
  const tlsMemory: TlsMemory = {};

  async function connect(url: string, signal: AbortSignal): Promise<RelayConnection> {
    const hello = { protocolVersion, facts, attachment: await journal.nextAttachment() };
    const connection = await (options.connect ?? connectRelay)({
      url,
      tls,
      tlsMemory,
      hello,
      timeoutMs: welcomeTimeoutMs,
      signal,
      onDelivery,
      onTaken: outbox.taken,
      // Streams end in order: what was answered before the end is still delivered.
      onDrain: () => void commands.idle().then(() => connection.end()),
    });
    counters.attachments++;
    return connection;
  }

  commands.reportEarlierChanges();
  let attached = false;
  const attacher = stayAttached({
    relayUrls: options.relayUrls,
    connect,
    onConnection: (connection) => {
      attached = connection !== undefined;
      outbox.attach(connection);
    },
    backoff: options.backoff ?? defaultBackoff,
    log,
  });
  return {
    hostId,
    ...(direct ? { directUrl: direct.url } : {}),
    counters: () => ({ ...counters }),
    gauges() {
      const { replies, bytes } = outbox.waiting();
      return { attached, runningCommands: commands.running.size, waitingReplies: replies, waitingReplyBytes: bytes };
    },
    async close() {
      await direct?.close();
      // A change that runs longer is left to the journal, which will call it indeterminate.
      await Promise.race([commands.stop(), sleep(closeGraceMs, undefined, { ref: false })]);
      await attacher.close();
      outbox.close();
      await journal.close();
    },
  };
}

async function collectFacts({ provider, name = hostname(), labels = {} }: DaemonOptions): Promise<HostFacts> {
  const facts = create(HostFactsSchema, {
    ...(await provider.facts()),
    name,
    labels: { ...labels },
    daemonVersion: productVersion,
  });
  validate(HostFactsSchema, facts);
  return facts;
}

// Most daemons serve nobody directly, and then load no server.
async function answerDirectClients(
  runner: OperationRunner,
  { provider, listen, observers }: DaemonOptions,
  log: Logger,
): Promise<GrpcServer | undefined> {
  if (!listen) return undefined;
  const { startDirectServer } = await import("./direct-server.js");
  return startDirectServer({ provider, runner, listen, log, ...(observers ? { observers } : {}) });
}
