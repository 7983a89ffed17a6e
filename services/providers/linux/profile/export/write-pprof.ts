// A profile for `go tool pprof` and everything else that reads its format.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type FunctionSchema,
  type LocationSchema,
  type MappingSchema,
  ProfileSchema,
  type SampleSchema,
} from "../../../../gen/perftools/profiles/profile_pb.js";
import type { CpuProfile } from "../open-profile.js";
import type { Frame, ProfileStack } from "../symbolize.js";

const compress = promisify(gzip);

/** Compressed bytes of a file. `endedAt` is when the profile was closed. */
export async function writePprof(profile: CpuProfile, endedAt: Date): Promise<Buffer> {
  const tables = new Tables();
  const period = BigInt(Math.round(1e9 / profile.samplesPerSecond));
  const sample = profile.stacks.map((stack) => sampleOf(tables, stack, period));
  const cpu = { type: tables.text("cpu"), unit: tables.text("nanoseconds") };
  const message = create(ProfileSchema, {
    sampleType: [{ type: tables.text("samples"), unit: tables.text("count") }, cpu],
    sample,
    periodType: cpu,
    period,
    timeNanos: BigInt(endedAt.getTime()) * 1_000_000n - profile.durationNs,
    durationNanos: profile.durationNs,
    comment: remarks(profile).map((remark) => tables.text(remark)),
    mapping: tables.mappings,
    location: tables.locations,
    function: tables.functions,
    stringTable: tables.texts,
  });
  return compress(toBinary(ProfileSchema, message));
}

function sampleOf(
  tables: Tables,
  { process, frames, count }: ProfileStack,
  period: bigint,
): MessageInitShape<typeof SampleSchema> {
  return {
    locationId: frames.map((frame) => tables.location(frame)).reverse(),
    value: [BigInt(count), BigInt(count) * period],
    label: [
      { key: tables.text("pid"), num: BigInt(process.pid) },
      { key: tables.text("comm"), str: tables.text(process.comm) },
    ],
  };
}

function remarks({ account, endedEarly }: CpuProfile): string[] {
  const { taken, idle, filtered, counted, uncounted, lostStacks, unreadableStacks, cutStacks } = account;
  return [
    `samples: ${taken} taken, ${idle} idle, ${filtered} filtered, ${counted} counted, ${uncounted} dropped`,
    `stacks: ${lostStacks} lost, ${unreadableStacks} unreadable, ${cutStacks} cut, ${endedEarly} ended early (no frame pointers)`,
  ];
}

// Everything that the format names by number, once.
class Tables {
  readonly texts: string[] = [""];
  readonly mappings: MessageInitShape<typeof MappingSchema>[] = [];
  readonly functions: MessageInitShape<typeof FunctionSchema>[] = [];
  readonly locations: MessageInitShape<typeof LocationSchema>[] = [];
  readonly #texts = new Map([["", 0n]]);
  readonly #mappings = new Map<string, bigint>([["", 0n]]);
  readonly #locations = new Map<string, bigint>();

  text(text: string): bigint {
    return numberOf(this.#texts, text, () => BigInt(this.texts.push(text) - 1));
  }

  /** One place for each function: a profile tells where time goes by function. */
  location({ name, file }: Frame): bigint {
    return numberOf(this.#locations, `${file}\0${name}`, () => {
      const id = BigInt(this.locations.length + 1);
      const text = this.text(name);
      this.functions.push({ id, name: text, systemName: text });
      return BigInt(this.locations.push({ id, mappingId: this.#mapping(file), line: [{ functionId: id }] }));
    });
  }

  #mapping(path: string): bigint {
    return numberOf(this.#mappings, path, () => {
      const id = BigInt(this.mappings.length + 1);
      return BigInt(this.mappings.push({ id, filename: this.text(path), hasFunctions: true }));
    });
  }
}

function numberOf(known: Map<string, bigint>, text: string, make: () => bigint): bigint {
  const number = known.get(text) ?? make();
  known.set(text, number);
  return number;
}
