// The facts that a selector expression can name, with their CEL types, and a host's values for them.
import { CelScalar, listType, mapType } from "@bufbuild/cel";
import type { InventoryHost } from "../inventory/inventory.js";

/** CEL variables by name. */
export const factTypes = {
  name: CelScalar.STRING,
  host_id: CelScalar.STRING,
  os: CelScalar.STRING,
  distro: CelScalar.STRING,
  distro_like: listType(CelScalar.STRING),
  distro_version: CelScalar.STRING,
  kernel: CelScalar.STRING,
  arch: CelScalar.STRING,
  cpu_count: CelScalar.INT,
  memory_bytes: CelScalar.INT,
  labels: mapType(CelScalar.STRING, CelScalar.STRING),
  daemon_version: CelScalar.STRING,
  capabilities: listType(CelScalar.STRING),
  online: CelScalar.BOOL,
};

/** Names of all facts. */
export const factNames: readonly string[] = Object.keys(factTypes);

/** A host's labels; remembers that a missing one was asked for. */
export class LabelMap extends Map<string, string> {
  missed = false;

  override get(key: string): string | undefined {
    const value = super.get(key);
    if (value === undefined) this.missed = true;
    return value;
  }
}

/** A host's facts as CEL sees them. */
export type FactValues = ReturnType<typeof readFacts>;

const bound = new WeakMap<InventoryHost, FactValues>();

/** The values of one host; made once per host, because a selector looks at every host of the fleet. */
export function bindFacts(host: InventoryHost): FactValues {
  const known = bound.get(host);
  if (known) return known;
  const values = readFacts(host);
  bound.set(host, values);
  return values;
}

function readFacts({ name, hostId, facts, online }: InventoryHost) {
  return {
    name,
    host_id: hostId,
    os: facts.os,
    distro: facts.distro,
    distro_like: facts.distroLike,
    distro_version: facts.distroVersion,
    kernel: facts.kernel,
    arch: facts.arch,
    cpu_count: BigInt(facts.cpuCount),
    memory_bytes: facts.memoryBytes,
    labels: new LabelMap(Object.entries(facts.labels)),
    daemon_version: facts.daemonVersion,
    capabilities: facts.capabilities,
    online,
  };
}
