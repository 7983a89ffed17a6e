import type { Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Aggregate } from "../../../services/fleet/aggregate/aggregate.js";
import { planOf } from "../../../services/fleet/aggregate/plan.js";
import { describeAggregate } from "./describe-aggregate.js";
import { EverythingSchema, everythingArbitrary } from "./everything.js";

interface Answer {
  message: Message;
  hosts: string[];
}

const answers = fc
  .array(fc.tuple(everythingArbitrary, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 12 })
  .map((list): Answer[] =>
    list.map(([message, count], index) => ({
      message,
      hosts: Array.from({ length: count }, (_, host) => `host-${(index * 7) % 12}-${host}`),
    })),
  );

// Splits at the given places, then merges the parts two by two in the given order.
function mergeTree(list: readonly Answer[], choices: readonly number[]): Aggregate {
  const parts = list.map((answer) => aggregateOf([answer]));
  for (let step = 0; parts.length > 1; step++) {
    const target = parts.splice((choices[step * 2] ?? 0) % parts.length, 1)[0] as Aggregate;
    const added = parts.splice((choices[step * 2 + 1] ?? 0) % parts.length, 1)[0] as Aggregate;
    target.merge(added);
    parts.push(target);
  }
  return parts[0] as Aggregate;
}

function aggregateOf(list: readonly Answer[]): Aggregate {
  const aggregate = new Aggregate(planOf(EverythingSchema));
  for (const { message, hosts } of list) aggregate.add(message, hosts);
  return aggregate;
}

test("any order, any split and any tree of merges gives the same summary, byte for byte", () => {
  fc.assert(
    fc.property(
      answers.chain((list) =>
        fc.tuple(
          fc.constant(list),
          fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
          fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
        ),
      ),
      ([list, shuffled, choices]) => {
        const expected = describeAggregate(aggregateOf(list));
        expect(describeAggregate(aggregateOf(shuffled))).toBe(expected);
        expect(describeAggregate(mergeTree(shuffled, choices))).toBe(expected);
      },
    ),
    { numRuns: 100 },
  );
});

test("hosts that gave one answer together and one by one give the same summary", () => {
  fc.assert(
    fc.property(answers, (list) => {
      const single = list.flatMap(({ message, hosts }) => hosts.map((host) => ({ message, hosts: [host] })));
      expect(describeAggregate(aggregateOf(single))).toBe(describeAggregate(aggregateOf(list)));
    }),
    { numRuns: 100 },
  );
});
