// A capture session of the addon as a stream of batches with its accounts.
import { ErrorReason, failure } from "../../../shared/errors.js";
import { accountFields, type EventKind, eventKinds, eventLayoutVersion, type KindAccount } from "./event-layout.js";
import type { CaptureAddon, NativeCapture, NativeFilter, OnNativeBatch } from "./native-capture.js";
import { checkPort, parseNetwork } from "./network-address.js";

export interface CaptureOptions {
  readonly kinds: readonly EventKind[];
  readonly filter?: CaptureFilter;
  /** A power of two, at least 4,096; 8 MiB by default. */
  readonly ringBytes?: number;
  /** Of each CPU; 0, the default, is no limit. */
  readonly eventsPerSecond?: number;
}

/** Every list that is not empty must hold the event's value. */
export interface CaptureFilter extends Partial<Omit<NativeFilter, "networks">> {
  /** 10.0.0.0/8, 2001:db8::/32, or an address: of either end. */
  readonly networks?: readonly string[];
}

/** A rate at which nothing is told, and all is counted. */
export const noEvents = -1;

export type Accounts = Readonly<Record<EventKind, KindAccount>>;

/** Open until closed; batches that nobody takes fill the ring, whose drops are counted, and never memory. */
export interface Capture {
  /**
   * Batches in the order of the ring, each of which is there until the next one is asked for: its memory is used again. Ends after
   * close, when all of them were taken. One reader.
   */
  readonly batches: AsyncIterable<Uint8Array>;
  accounts(): Accounts;
  /** Holds for every event that begins after it returned. */
  setFilter(filter: CaptureFilter): void;
  /** Of each CPU, from now on; 0 is no limit. */
  setEventsPerSecond(rate: number): void;
  /** Processes of a filter's tree for which there was no room, so that their events are missed. Only grows. */
  untaggedProcesses(): number;
  /** Resolves with the last accounts; no event begins any more. */
  close(): Promise<Accounts>;
}

/** Of a path that a filter names. */
const maxFilterPathBytes = 246;

const defaults = {
  ringBytes: 8 * 1024 * 1024,
  wakeAtBytes: 256 * 1024,
  lookEveryMs: 10,
  batchBytes: 256 * 1024,
  batchesInFlight: 8,
  eventsPerSecond: 0,
};

/**
 * Loads and attaches the kernel's programs. Rejects with UNSUPPORTED for an addon that has none, or whose records are laid out in
 * another way; with an errno in `errno` when the kernel refuses them.
 */
export async function openCapture(addon: CaptureAddon, options: CaptureOptions): Promise<Capture> {
  if (!addon.openCapture) throw captureMissing();
  checkLayout(addon);
  const { kinds, filter = {}, ...given } = options;
  const memories: ArrayBuffer[] = [];
  const waiting: { readonly slot: number; readonly records: Uint8Array }[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const onBatch: OnNativeBatch = (slot, bytes, memory) => {
    if (slot === undefined) {
      ended = true;
    } else {
      if (memory) memories[slot] = memory;
      waiting.push({ slot, records: new Uint8Array(memories[slot] as ArrayBuffer, 0, bytes) });
    }
    wake();
  };
  const native: NativeCapture = await addon.openCapture(
    { ...defaults, ...given, kinds: bitsOf(kinds), filter: completeFilter(filter) },
    onBatch,
  );
  let closing: Promise<Accounts> | undefined;

  async function* takeBatches(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const batch = waiting.shift();
      if (batch) {
        yield batch.records;
        // It was worked through: another one may come in its place.
        native.release(batch.slot);
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    batches: takeBatches(),
    accounts: () => readAccounts(native.accounts()),
    setFilter: (next) => native.setFilter(completeFilter(next)),
    setEventsPerSecond: (rate) => native.setEventsPerSecond(rate),
    untaggedProcesses: () => native.untaggedProcesses(),
    close() {
      closing ??= native.close().then(readAccounts);
      return closing;
    },
  };
}

function captureMissing() {
  return failure(ErrorReason.UNSUPPORTED, "the native addon was built without capture of kernel events", {
    metadata: { operation: "capture", needs: "clang,bpftool,libbpf-dev" },
    remedy:
      "`apt-get install clang bpftool libbpf-dev` (or the same of your distribution), then `npx cmake-js rebuild`, and start the daemon again",
  });
}

function checkLayout(addon: CaptureAddon): void {
  if (addon.eventLayoutVersion === eventLayoutVersion) return;
  const what = `the native addon has event layout ${addon.eventLayoutVersion}, and ${eventLayoutVersion} is needed`;
  throw failure(ErrorReason.UNSUPPORTED, what, {
    metadata: { operation: "StartTraceSession", needs: `event layout ${eventLayoutVersion}` },
    remedy: "build it again: node .ci/setup.mjs",
  });
}

function bitsOf(kinds: readonly EventKind[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << eventKinds[kind]), 0);
}

/** As the addon takes it. Fails with INVALID_ARGUMENT for a value that no event can have. */
export function completeFilter(filter: CaptureFilter): NativeFilter {
  const { pids = [], cgroups = [], users = [], comms = [], ports = [], networks = [], roots = [], paths = [] } = filter;
  paths.forEach(checkPath);
  const ofNetwork = { ports: ports.map(checkPort), networks: networks.map(parseNetwork) };
  return { pids, cgroups, users, comms, ...ofNetwork, roots, paths };
}

function checkPath(path: string): void {
  if (path.startsWith("/") && Buffer.byteLength(path) <= maxFilterPathBytes) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `a capture cannot be filtered by the path "${path}"`, {
    metadata: { field: "paths" },
    remedy: `name an absolute path of at most ${maxFilterPathBytes} bytes, such as /var/log for all that lies below it`,
  });
}

function readAccounts(buffer: ArrayBuffer): Accounts {
  const words = new BigUint64Array(buffer);
  const accountOf = (kind: number) =>
    Object.fromEntries(
      accountFields.map((field, index) => [field, Number(words[kind * accountFields.length + index])]),
    );
  return Object.fromEntries(
    Object.entries(eventKinds).map(([name, kind]) => [name, accountOf(kind)]),
  ) as unknown as Accounts;
}
