// ListKernelModules, from /proc/modules.
import { readFile } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { KernelModuleSchema } from "../../../gen/systemsmanager/telemetry/v1/kernel_module_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { compilePattern } from "../../../shared/pattern.js";
import type { OperationHandler } from "../../os-provider.js";

/** Lists the modules whose name matches. */
export const listKernelModules: OperationHandler<(typeof TelemetryService)["method"]["listKernelModules"]> = async (
  request,
  { signal },
) => {
  const matches = compilePattern(request.pattern);
  const modules = parseModules(await readModules(signal));
  return { modules: modules.filter((module) => matches(module.name ?? "")) };
};

/** Parses /proc/modules, by name. */
export function parseModules(text: string): MessageInitShape<typeof KernelModuleSchema>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseModule)
    .sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
}

// "snd_pcm 143360 4 snd_hda_intel,snd_hda_codec, Live 0xffffffffc0a2b000 (OE)"; without users it says "-". A kernel that cannot unload
// modules leaves the count out and says "-" instead.
function parseModule(line: string): MessageInitShape<typeof KernelModuleSchema> {
  const [name, size, useCount, usedBy, state, , taints] = line.split(" ");
  if (!name || !size || !state) throw new Error(`/proc/modules has a line of unknown form: ${JSON.stringify(line)}`);
  return {
    name,
    sizeBytes: BigInt(size),
    useCount: Number.parseInt(useCount ?? "", 10) || 0,
    usedBy: (usedBy ?? "").split(",").filter((user) => user !== "" && user !== "-" && user !== "[permanent]"),
    state,
    // "+" and "-" in the taints stand for a module that comes or goes, which the state tells.
    taints: (taints ?? "").replace(/[()+-]/g, ""),
  };
}

async function readModules(signal: AbortSignal): Promise<string> {
  try {
    return await readFile("/proc/modules", { encoding: "latin1", signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw failure(ErrorReason.UNSUPPORTED, "this kernel has no loadable modules: /proc/modules does not exist", {
      metadata: { operation: "ListKernelModules", needs: "CONFIG_MODULES" },
      cause: error,
    });
  }
}
