// What a daemon that waits holds in memory is what it has loaded: a real, attached one is asked for every module.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandProcess, startCommand, waitForOutput } from "./command-process.js";

const directory = mkdtempSync(join(tmpdir(), "systems-manager-modules-"));
let controlPlane: CommandProcess;
let loaded = "";

beforeAll(async () => {
  const state = join(directory, "up");
  const anywhere = ["--mcp", "--grpc", "--relay"].flatMap((option) => [option, "127.0.0.1:0"]);
  controlPlane = startCommand(["up", "--no-daemon", ...anywhere, "--state-dir", state]);
  await waitForOutput(controlPlane, '"relay serves"');
  const relay = JSON.parse(lineWith(controlPlane.output(), '"relay serves"')).url;
  const fleet = ["--relay", relay, "--fleet-key", join(state, "fleet.pub")];
  const list = join(directory, "modules");
  const daemon = startCommand(["daemon", ...fleet, "--state-dir", join(directory, "daemon")], {
    NODE_OPTIONS: `--import=${new URL("list-modules.mjs", import.meta.url).href}`,
    LIST_MODULES: list,
  });
  await waitForOutput(daemon, '"attached"');
  await daemon.stop("SIGTERM");
  loaded = readFileSync(list, "utf8");
});

afterAll(async () => {
  await controlPlane.stop("SIGTERM");
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  "services/daemon/start-daemon.js",
  "node_modules/lmdb/",
  "node_modules/pino/lib/proto.js",
  "NativeModule tls",
])("loads %s, and so is seen", (name) => {
  expect(linesWith(name)).not.toEqual([]);
});

test.each([
  "services/fleet/",
  "services/gateway/",
  "services/relay/",
  "services/bus/",
  "services/emulator/",
  "services/metrics/",
  "services/cli/ask.js",
  "node_modules/@bufbuild/cel/",
  "node_modules/@bufbuild/re2/",
  "node_modules/@cedar-policy/",
  "node_modules/@connectrpc/connect-node/",
  "node_modules/@modelcontextprotocol/",
  "node_modules/@opentelemetry/sdk-trace-node/",
  "node_modules/execa/",
  "node_modules/gpt-tokenizer/",
  "node_modules/kafkajs/",
  "node_modules/prom-client/",
  "node_modules/re2js/",
  "NativeModule http2",
])("does without %s", (name) => {
  expect(linesWith(name)).toEqual([]);
});

function linesWith(text: string): string[] {
  return loaded.split("\n").filter((line) => line.includes(text));
}

function lineWith(output: string, text: string): string {
  return output.split("\n").find((line) => line.includes(text)) ?? "";
}
