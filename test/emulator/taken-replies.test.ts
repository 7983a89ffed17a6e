// A relay's count of what it has taken, translated to the daemon's order: never more than is taken, and all of it in the end.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTakenReplies } from "../../services/emulator/faults/taken-replies.js";

test("property: in whatever order, and however often replies went, those are confirmed that the relay has", () => {
  const wires = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 30 });
  fc.assert(
    fc.property(wires, fc.nat(30), (wire, count) => {
      let confirmed = 0;
      const taken = createTakenReplies((replies) => {
        confirmed = replies;
      });
      for (let index = 0; index < 8; index++) taken.begin();
      for (const number of wire) taken.sent(number);
      const reached = Math.min(count, wire.length);
      taken.confirm(reached);
      const arrived = new Set(wire.slice(0, reached));
      let expected = 0;
      while (arrived.has(expected + 1)) expected++;
      expect(confirmed).toBe(expected);
    }),
  );
});
