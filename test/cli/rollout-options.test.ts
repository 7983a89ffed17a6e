import { create } from "@bufbuild/protobuf";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { addRolloutOptions, rolloutOf } from "../../services/cli/rollout-options.js";
import { RolloutSchema } from "../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import { validate } from "../../services/shared/validation.js";

function read(line: string) {
  const command = addRolloutOptions(new Command("commit"))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(line === "" ? [] : line.split(" "), { from: "user" });
  const rollout = rolloutOf(command.opts());
  if (rollout) validate(RolloutSchema, create(RolloutSchema, rollout));
  return rollout;
}

describe("a rollout at the command line", () => {
  test.each([
    ["", undefined],
    ["--all-at-once", { allAtOnce: true }],
    ["--canary 1", { canary: { size: { case: "hosts", value: 1 } } }],
    ["--canary 2.5%", { canary: { size: { case: "percent", value: 2.5 } } }],
    [
      "--batch 10% --batch 50",
      { batches: [{ size: { case: "percent", value: 10 } }, { size: { case: "hosts", value: 50 } }] },
    ],
    ["--max-failed 0", { maxFailed: { size: { case: "hosts", value: 0 } } }],
    ["--pause 0", { pause: { seconds: 0n } }],
    ["--pause 5m --expires 24h", { pause: { seconds: 300n }, expiresAfter: { seconds: 86_400n } }],
    ["--health none", { healthCheck: { check: { case: "none" } } }],
    [
      "--health list-services",
      {
        healthCheck: {
          check: { case: "read", value: { method: "systemsmanager.telemetry.v1.TelemetryService/ListServices" } },
        },
      },
    ],
    ["--spread zone", { spreadBy: "zone" }],
  ])("%j", (line, expected) => {
    if (expected === undefined) expect(read(line)).toBeUndefined();
    else expect(read(line)).toMatchObject(expected);
  });

  test.each([
    ["--canary many", "many is not a number of hosts"],
    ["--batch 101%", "101% is not a number of hosts"],
    ["--batch 1.5", "1.5 is not a number of hosts"],
    ["--max-failed -1", "-1 is not a number of hosts"],
    ["--pause soon", "soon is not a number of seconds"],
    ["--expires 0", "0 is not a positive number of seconds"],
    ["--health lst-services", "no operation is named"],
  ])("%j is refused", (line, message) => {
    expect(() => read(line)).toThrow(message);
  });
});
