// What an OK reply is made of is what the generated code would make.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ReplyOutcome, ReplySchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { okReply } from "../../services/shared/reply.js";

test("an OK reply has the command's ids, the host's times and every field of its schema", () => {
  const command = { commandId: "command", runId: "run", replyPartition: 7 };
  const [body, bodyDigest] = [Buffer.from("body"), Buffer.alloc(32, 1)];
  const reply = okReply({ command, hostId: "host", startedAtMs: 1_000, clock: () => 2_500 }, body, bodyDigest);
  const times = { startedAt: timestampFromMs(1_000), finishedAt: timestampFromMs(2_500) };
  const expected = { ...command, ...times, hostId: "host", outcome: ReplyOutcome.OK, body, bodyDigest };
  expect(reply).toEqual(create(ReplySchema, expected));
});
