// What a component shows to Prometheus, as values: a table of rows, each with a name, a help text, and how to read its number from
// what the component says of itself at the moment of a scrape. Components know nothing of it.

/** One number of a row with labels. Labels are bounded sets: never hosts, runs or principals. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricRow<Snapshot> {
  readonly type: "counter" | "gauge";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (snapshot: Snapshot) => number | readonly Sample[];
}

export type MetricTable<Snapshot> = readonly MetricRow<Snapshot>[];

/** Makes the rows of one component, whose names all begin alike: "systems_manager_relay_". */
export function rowsOf<Snapshot>(component: string) {
  const row =
    (type: MetricRow<Snapshot>["type"]) =>
    (name: string, help: string, read: (snapshot: Snapshot) => number): MetricRow<Snapshot> => ({
      type,
      name: `systems_manager_${component}_${name}`,
      help,
      labels: [],
      read,
    });
  const labelled =
    (type: MetricRow<Snapshot>["type"]) =>
    (
      name: string,
      help: string,
      labels: readonly string[],
      read: (snapshot: Snapshot) => readonly Sample[],
    ): MetricRow<Snapshot> => ({ type, name: `systems_manager_${component}_${name}`, help, labels, read });
  return {
    counter: row("counter"),
    gauge: row("gauge"),
    counterBy: labelled("counter"),
    gaugeBy: labelled("gauge"),
  };
}

/** One sample for each entry: the key becomes the label. */
export function samplesBy(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));
}
