// The direction rule of the house, held by the linter: each case is a file that must not, or may, be written.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

const project = new URL("../..", import.meta.url).pathname;

const refused = [
  ["services/gateway/a.ts", "../fleet/fleet.js"],
  ["services/gateway/tools/a.ts", "../../relay/start-relay.js"],
  ["services/fleet/run/a.ts", "../../relay/start-relay.js"],
  ["services/fleet/a.ts", "../providers/get-os-provider.js"],
  ["services/relay/a.ts", "../daemon/start-daemon.js"],
  ["services/relay/b.ts", "../fleet/fleet.js"],
  ["services/daemon/a.ts", "../relay/start-relay.js"],
  ["services/providers/linux/a.ts", "../../daemon/start-daemon.js"],
  ["services/bus/embedded/a.ts", "../../fleet/fleet.js"],
  ["services/identity/a.ts", "../fleet/fleet.js"],
  ["services/shared/a.ts", "../identity/principal.js"],
  ["services/tracing/a.ts", "../fleet/fleet.js"],
  ["services/emulator/a.ts", "../relay/start-relay.js"],
  ["services/fleet/b.ts", "../metrics/metrics.js"],
  ["services/daemon/b.ts", "../emulator/emulate-hosts.js"],
] as const;

const allowed = [
  ["services/gateway/c.ts", "../gen/systemsmanager/fleet/v1/fleet_service_pb.js"],
  ["services/gateway/d.ts", "../identity/principal.js"],
  ["services/fleet/c.ts", "../bus/bus.js"],
  ["services/daemon/c.ts", "../providers/os-provider.js"],
  ["services/relay/c.ts", "../shared/errors.js"],
  ["services/providers/linux/c.ts", "./mutation/manage-service.js"],
  ["services/cli/c.ts", "../fleet/fleet.js"],
  ["services/metrics/c.ts", "../fleet/fleet.js"],
  ["services/emulator/c.ts", "../daemon/start-daemon.js"],
] as const;

let folder: string;
let violations: Set<string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "systems-manager-lint-"));
  copyFileSync(join(project, "biome.json"), join(folder, "biome.json"));
  for (const [file, specifier] of [...refused, ...allowed]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `import { thing } from "${specifier}";\n\nexport const other = thing;\n`);
  }
  const options = ["lint", "--only=style/noRestrictedImports", "--vcs-enabled=false", "--max-diagnostics=none", "."];
  const biome = join(project, "node_modules/.bin/biome");
  const { all } = await execa(biome, options, { cwd: folder, reject: false, all: true });
  violations = new Set(
    [...all.matchAll(/^(\S+\.ts):\d+:\d+ lint\/style\/noRestrictedImports/gm)].map(([, file]) => file ?? ""),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each(refused)("%s may not import %s", (file) => {
  expect([...violations]).toContain(file);
});

test.each(allowed)("%s may import %s", (file) => {
  expect([...violations]).not.toContain(file);
});
