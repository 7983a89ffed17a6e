// What `npm run bench -- NAME` takes besides the name.
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly json: boolean;
  /** Sizes of the fleet to measure; each benchmark has its own when absent. */
  readonly hosts?: readonly number[];
  /** Where CPU profiles of the measured calls are written; absent: none are taken. */
  readonly profile?: string;
}

/** The name and the options of a command line. Throws when an option is unknown or wrong. */
export function parseBenchOptions(args: readonly string[]): { name: string | undefined; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, hosts: { type: "string" }, profile: { type: "string" } },
  });
  const options = {
    json: values.json,
    ...(values.hosts === undefined ? {} : { hosts: parseSizes(values.hosts) }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  };
  return { name: positionals[0], options };
}

function parseSizes(text: string): number[] {
  const sizes = text.split(",").map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size > 0)) return sizes;
  throw new RangeError(`--hosts ${text} is not a list of whole numbers above 0, such as 1,100,1000`);
}
