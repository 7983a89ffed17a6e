// A process that asks for what it may, and one that may not.
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms } from "./events-of.js";

const CAP_SYS_CHROOT = 18;
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];

test.each([
  ["root", 0, [], 0],
  ["nobody", 65534, asNobody, -1],
] as const)("%s asks for the right to change its root", async (_who, user, wrapper, result) => {
  const [program = "", ...args] = [...wrapper, "chroot", "/", "/bin/true"];
  const events = await eventsOf("capabilityCheck", ownPrograms("chroot"), () => spawnSync(program, args));
  const asked = events.filter(({ capability }) => capability === CAP_SYS_CHROOT);
  const userNamespace = Number(/\d+/.exec(readlinkSync("/proc/self/ns/user"))?.[0]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ result, userNamespace, subject: { comm: "chroot", user } });
});
