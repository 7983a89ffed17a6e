// A number of hosts as people and agents write it: "5", or "10%" of all.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WaveSizeSchema } from "../gen/systemsmanager/fleet/v1/rollout_pb.js";

/** The size that the text says; undefined when it says none. */
export function parseWaveSize(text: string): MessageInitShape<typeof WaveSizeSchema> | undefined {
  const match = /^(\d{1,9})(\.\d{1,6})?(%?)$/.exec(text);
  if (!match) return undefined;
  const [, whole = "", fraction = "", sign = ""] = match;
  if (sign === "") return fraction === "" ? { size: { case: "hosts", value: Number(whole) } } : undefined;
  const percent = Number(whole + fraction);
  return percent <= 100 ? { size: { case: "percent", value: percent } } : undefined;
}
