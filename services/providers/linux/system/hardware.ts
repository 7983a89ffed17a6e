// The machine: DMI, /proc/cpuinfo and signs of virtualisation.
import { readFile } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HardwareSchema } from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";
import { countCpus } from "./cpu-usage.js";
import { readOptional } from "./read-optional.js";
import { detectVirtualization, readVirtualizationSigns } from "./virtualization.js";

/** The CPU's model in the words of its architecture; empty when /proc/cpuinfo has none. */
export function parseCpuModel(text: string): string {
  // x86, RISC-V, POWER, 32-bit ARM and s390x in turn; arm64 tells numbers only.
  for (const name of ["model name", "uarch", "cpu", "Processor", "processor 0"]) {
    const found = new RegExp(`^${name}\\s*:\\s*(\\S.*)$`, "m").exec(text);
    if (found) return (found[1] as string).trim();
  }
  const implementer = /^CPU implementer\s*:\s*(0x[0-9a-f]+)$/m.exec(text)?.[1];
  const part = /^CPU part\s*:\s*(0x[0-9a-f]+)$/m.exec(text)?.[1];
  return implementer && part ? `ARM implementer ${implementer} part ${part}` : "";
}

// What makers leave in DMI fields that they did not fill in.
const unfilled =
  /^(to be filled by o\.e\.m\.|default string|system manufacturer|system product name|not specified|none|n\/a)$/i;

/** A DMI field's text; empty when its maker left it unfilled. */
export function cleanDmiText(text: string): string {
  const trimmed = text.trim();
  return unfilled.test(trimmed) ? "" : trimmed;
}

/** Reads the machine's description. */
export async function readHardware(): Promise<MessageInitShape<typeof HardwareSchema>> {
  const [cpuInfo, stat, vendor, product, board] = await Promise.all([
    readFile("/proc/cpuinfo", "utf8"),
    readFile("/proc/stat", "latin1"),
    readOptional("/sys/class/dmi/id/sys_vendor"),
    readOptional("/sys/class/dmi/id/product_name"),
    readOptional("/proc/device-tree/model"),
  ]);
  const signs = await readVirtualizationSigns(cpuInfo, `${vendor} ${product}`);
  return {
    vendor: cleanDmiText(vendor),
    product: cleanDmiText(product || board.replace(/\0/g, "")),
    cpuModel: parseCpuModel(cpuInfo),
    cpuCount: countCpus(stat),
    virtualization: detectVirtualization(signs),
  };
}
