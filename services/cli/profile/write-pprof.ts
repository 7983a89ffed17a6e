// A profile for `go tool pprof` and everything else that reads its format.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type FunctionSchema, type LocationSchema, ProfileSchema } from "../../gen/perftools/profiles/profile_pb.js";
import type { FleetProfile } from "./fleet-profile.js";

const compress = promisify(gzip);

/** Compressed bytes of a file. `endedAt` is when the profile was closed. */
export async function writePprof(profile: FleetProfile, endedAt: Date): Promise<Buffer> {
  const { stacks, samplesPerSecond, durationMs, notes } = profile;
  const tables = new Tables();
  const period = BigInt(Math.round(1e9 / samplesPerSecond));
  const cpu = { type: tables.text("cpu"), unit: tables.text("nanoseconds") };
  const comm = tables.text("comm");
  const message = create(ProfileSchema, {
    sampleType: [{ type: tables.text("samples"), unit: tables.text("count") }, cpu],
    sample: stacks.map(({ frames: [process, ...frames], samples }) => ({
      locationId: frames.map(({ name }) => tables.location(name)).reverse(),
      value: [BigInt(samples), BigInt(samples) * period],
      label: [{ key: comm, str: tables.text(process?.name ?? "") }],
    })),
    periodType: cpu,
    period,
    timeNanos: BigInt(Math.round(endedAt.getTime() - durationMs)) * 1_000_000n,
    durationNanos: BigInt(Math.round(durationMs)) * 1_000_000n,
    comment: notes.map((note) => tables.text(note)),
    location: tables.locations,
    function: tables.functions,
    stringTable: tables.texts,
  });
  return compress(toBinary(ProfileSchema, message));
}

// Everything that the format names by number, once.
class Tables {
  readonly texts: string[] = [""];
  readonly functions: MessageInitShape<typeof FunctionSchema>[] = [];
  readonly locations: MessageInitShape<typeof LocationSchema>[] = [];
  readonly #texts = new Map([["", 0n]]);
  readonly #locations = new Map<string, bigint>();

  text(text: string): bigint {
    return numberOf(this.#texts, text, () => BigInt(this.texts.push(text) - 1));
  }

  /** One place for each function: a profile tells where time goes by function. */
  location(name: string): bigint {
    return numberOf(this.#locations, name, () => {
      const id = BigInt(this.locations.length + 1);
      const text = this.text(name);
      this.functions.push({ id, name: text, systemName: text });
      return BigInt(this.locations.push({ id, line: [{ functionId: id }] }));
    });
  }
}

function numberOf(known: Map<string, bigint>, text: string, make: () => bigint): bigint {
  const number = known.get(text) ?? make();
  known.set(text, number);
  return number;
}
