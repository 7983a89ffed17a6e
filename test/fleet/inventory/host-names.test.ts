import { expect, test } from "vitest";
import { useInventory } from "./inventory-under-test.js";

const fleet = useInventory();

test("a host that changes its name leaves the old one free", async () => {
  await fleet.say("a", 1, true, { name: "web" });
  await fleet.say("a", 2, true, { name: "web-new" });
  await fleet.say("b", 1, true, { name: "web" });
  await fleet.heard();
  expect(fleet.names()).toEqual(["web-new", "web"]);
});

test.each<[string, [string, boolean, number][], string[]]>([
  [
    "two that are online both carry a suffix",
    [
      ["a", true, 1],
      ["b", true, 2],
    ],
    ["web~aaaaaa", "web~bbbbbb"],
  ],
  [
    "the one that is online has it",
    [
      ["a", false, 9],
      ["b", true, 2],
    ],
    ["web~aaaaaa", "web"],
  ],
  [
    "of two that are offline, the one seen last has it",
    [
      ["a", false, 9],
      ["b", false, 2],
    ],
    ["web", "web~bbbbbb"],
  ],
  [
    "of three, the two that are online and the third carry a suffix",
    [
      ["a", true, 1],
      ["b", true, 1],
      ["c", false, 3],
    ],
    ["web~aaaaaa", "web~bbbbbb", "web~cccccc"],
  ],
])("hosts of one name: %s", async (_what, hosts, expected) => {
  for (const [letter, online, attachment] of hosts) await fleet.say(letter, attachment, online, { name: "web" });
  await fleet.heard();
  expect(fleet.names()).toEqual(expected);
});
