import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createMetricRegistry } from "../../services/metrics/metric-registry.js";
import { rowsOf, samplesBy } from "../../services/metrics/metric-table.js";
import { parseExposition } from "./parse-exposition.js";

interface Kettle {
  readonly boils: number;
  readonly degrees: number;
  readonly cups: Record<string, number>;
}

const { counter, gauge, counterBy, gaugeBy } = rowsOf<Kettle>("kettle");
const table = [
  counter("boils_total", "Times it boiled.", (kettle) => kettle.boils),
  gauge("temperature_celsius", "How hot it is.", (kettle) => kettle.degrees),
  counterBy("cups_total", "Cups by tea.", ["tea"], (kettle) => samplesBy("tea", kettle.cups)),
];

test("each scrape shows what the part says then", async () => {
  const registry = createMetricRegistry();
  let kettle: Kettle = { boils: 3, degrees: 80.5, cups: { green: 1, black: 2 } };
  registry.show(table, () => kettle);
  const samples = async () => {
    const families = parseExposition(await registry.scrape());
    const own = [...families].filter(([name]) => name.startsWith("systems_manager_kettle_"));
    return Object.fromEntries(own.flatMap(([, family]) => [...family.samples]));
  };
  expect(await samples()).toEqual({
    "systems_manager_kettle_boils_total{}": 3,
    "systems_manager_kettle_temperature_celsius{}": 80.5,
    'systems_manager_kettle_cups_total{tea="green"}': 1,
    'systems_manager_kettle_cups_total{tea="black"}': 2,
  });
  kettle = { boils: 4, degrees: -1, cups: { black: 5 } };
  expect(await samples()).toEqual({
    "systems_manager_kettle_boils_total{}": 4,
    "systems_manager_kettle_temperature_celsius{}": -1,
    'systems_manager_kettle_cups_total{tea="black"}': 5,
  });
});

test("type and help are as the table says", async () => {
  const registry = createMetricRegistry();
  registry.show(table, () => ({ boils: 0, degrees: 0, cups: {} }));
  const families = parseExposition(await registry.scrape());
  expect(families.get("systems_manager_kettle_boils_total")).toMatchObject({
    type: "counter",
    help: "Times it boiled.",
  });
  expect(families.get("systems_manager_kettle_temperature_celsius")?.type).toBe("gauge");
});

test.each([
  ['quote "', 'quote \\"'],
  ["back\\slash", "back\\\\slash"],
  ["new\nline", "new\\nline"],
])("a label value %j is escaped", async (value, escaped) => {
  const registry = createMetricRegistry();
  registry.show(
    [gaugeBy("escaped", "Escaped.", ["value"], () => [{ labels: { value }, value: 1 }])],
    () => table as never,
  );
  const samples = parseExposition(await registry.scrape()).get("systems_manager_kettle_escaped")?.samples;
  expect([...(samples ?? [])]).toEqual([[`systems_manager_kettle_escaped{value="${escaped}"}`, 1]]);
});

test("a name is shown once", () => {
  const registry = createMetricRegistry();
  const take = () => ({ boils: 0, degrees: 0, cups: {} });
  registry.show(table, take);
  expect(() => registry.show(table, take)).toThrow("already been registered");
});

test("the process itself is shown: CPU, memory and the event loop's lag", async () => {
  const registry = createMetricRegistry();
  await sleep(100);
  const families = parseExposition(await registry.scrape());
  for (const name of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
  ]) {
    expect([...(families.get(name)?.samples ?? [])].at(0)?.at(1), name).toBeGreaterThan(0);
  }
});
