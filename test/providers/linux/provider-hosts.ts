// Real hosts on which single operations of the Linux provider run: the sources are compiled into a temporary folder, which the hosts
// see beside the project's dependencies.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { type Host, type HostFleet, type HostSpec, startHosts } from "../../hosts/hosts.js";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const installed = "/opt/provider-test";

/** An answer of run-handler.ts. */
export interface Answer {
  readonly response?: any;
  readonly error?: { readonly reason: string; readonly metadata: Record<string, string>; readonly message: string };
}

export interface AskOptions {
  readonly timeoutMs?: number;
  /** What runs the operations in the place of root's own process: ["setpriv", "--reuid=nobody", ...]. */
  readonly wrapper?: readonly string[];
}

/** Hosts that can be asked. */
export interface ProviderHosts {
  readonly fleet: HostFleet;
  /** Runs one operation on a host and gives whatever it answered. */
  ask(host: Host, method: string, request?: object, options?: AskOptions): Promise<Answer>;
  /** Gives the response, and throws when it was an error. */
  response(host: Host, method: string, request?: object): Promise<any>;
  /** Reboots a host in order; it then answers again. */
  restart(host: Host): Promise<void>;
  close(): Promise<void>;
}

export async function startProviderHosts(specs: HostSpec[]): Promise<ProviderHosts> {
  const build = await mkdtemp(join(tmpdir(), "provider-test-"));
  await chmod(build, 0o755);
  await compile(build);
  const fleet = await startHosts(specs, {
    binds: [
      { source: build, target: `${installed}/dist` },
      { source: join(project, "node_modules"), target: `${installed}/node_modules` },
      { source: join(project, "package.json"), target: `${installed}/package.json` },
    ],
  });
  const processes = new Map(fleet.hosts.map((host) => [host, startAnswering(host)]));
  const ask: ProviderHosts["ask"] = async (host, method, request = {}, { timeoutMs, wrapper } = {}) => {
    const answering = wrapper ? startAnswering(host, wrapper) : processes.get(host);
    if (!answering) throw new Error(`${host.name} is no host of this fleet`);
    const answer = await answering.ask(method, request, timeoutMs);
    if (wrapper) await answering.close();
    return answer;
  };
  return {
    fleet,
    ask,
    async response(host, method, request) {
      const answer = await ask(host, method, request);
      if (answer.error) throw new Error(`${host.name}: ${method}: ${JSON.stringify(answer.error)}`);
      return answer.response;
    },
    async restart(host) {
      await processes.get(host)?.close();
      await host.reboot();
      processes.set(host, startAnswering(host));
    },
    async close() {
      await Promise.all([...processes.values()].map((answering) => answering.close()));
      await fleet.close();
      await rm(build, { recursive: true });
    },
  };
}

// One process on a host answers its questions, one after the other.
function startAnswering(host: Host, wrapper: readonly string[] = []) {
  const script = `${installed}/dist/test/providers/linux/run-handler.js`;
  const child = host.spawn([...wrapper, "/usr/bin/node", script], { stdin: "pipe", reject: false, buffer: false });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();
  const question = async (text: string): Promise<Answer> => {
    child.stdin.write(`${text}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${host.name}: the process that answers has ended: ${(await child).shortMessage}`);
    return JSON.parse(value);
  };
  return {
    async ask(method: string, request: object, timeoutMs = 60_000): Promise<Answer> {
      const answer = turn.then(() => question(JSON.stringify({ method, request, timeoutMs })));
      turn = answer.catch(() => {
        // Whoever asked gets the error; the next question has its own.
      });
      return answer;
    },
    async close() {
      child.stdin.end();
      await child;
    },
  };
}

// Other folders' type errors are for `npm run check` to find; what this needs is emitted all the same.
async function compile(build: string): Promise<void> {
  const config = join(build, "tsconfig.json");
  const compilerOptions = { noEmit: false, noEmitOnError: false, rootDir: project, outDir: build };
  const typeRoots = [join(project, "node_modules/@types")];
  await writeFile(
    config,
    JSON.stringify({
      extends: join(project, "tsconfig.json"),
      compilerOptions: { ...compilerOptions, typeRoots },
      include: [join(project, "test/providers/linux/run-handler.ts")],
    }),
  );
  await execa(join(project, "node_modules/.bin/tsc"), ["-p", config], { reject: false });
}
