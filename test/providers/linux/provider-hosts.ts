// Real hosts on which single operations of the Linux provider run: the sources are compiled into a temporary folder, which the hosts
// see beside the project's dependencies.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  /** Run it as this user rather than as root. */
  readonly userId?: number;
}

/** Hosts that can be asked. */
export interface ProviderHosts {
  readonly fleet: HostFleet;
  /** Runs one operation on a host and gives whatever it answered. */
  ask(host: Host, method: string, request?: object, options?: AskOptions): Promise<Answer>;
  /** Gives the response, and throws when it was an error. */
  response(host: Host, method: string, request?: object): Promise<any>;
  close(): Promise<void>;
}

export async function startProviderHosts(specs: HostSpec[]): Promise<ProviderHosts> {
  const build = await mkdtemp(join(tmpdir(), "provider-test-"));
  await compile(build);
  const fleet = await startHosts(specs, {
    binds: [
      { source: build, target: `${installed}/dist` },
      { source: join(project, "node_modules"), target: `${installed}/node_modules` },
      { source: join(project, "package.json"), target: `${installed}/package.json` },
    ],
  });
  return {
    fleet,
    ask,
    async response(host, method, request) {
      const answer = await ask(host, method, request);
      if (answer.error) throw new Error(`${host.name}: ${method}: ${JSON.stringify(answer.error)}`);
      return answer.response;
    },
    async close() {
      await fleet.close();
      await rm(build, { recursive: true });
    },
  };
}

async function ask(host: Host, method: string, request: object = {}, options: AskOptions = {}): Promise<Answer> {
  const { timeoutMs = 60_000, userId } = options;
  const script = `${installed}/dist/test/providers/linux/run-handler.js`;
  const command = ["/usr/bin/node", script, method, JSON.stringify(request), `${timeoutMs}`];
  const asUser = userId === undefined ? [] : ["setpriv", `--reuid=${userId}`, `--regid=${userId}`, "--clear-groups"];
  return JSON.parse(await host.run([...asUser, ...command]));
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
