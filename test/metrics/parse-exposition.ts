// Reads Prometheus' text format, version 0.0.4, and is stricter than a scraper: what `promtool check metrics` would complain of is
// an error here.
export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  /** By series: `name{label="value"}` with labels in order of their names. */
  readonly samples: ReadonlyMap<string, number>;
}

interface OpenFamily extends MetricFamily {
  readonly samples: Map<string, number>;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;

/** Metric families by name. Throws with the line that breaks a rule. */
export function parseExposition(text: string): ReadonlyMap<string, MetricFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, OpenFamily>();
  const helps = new Map<string, string>();
  let current: [string, OpenFamily] | undefined;
  for (const line of text.split("\n")) {
    const [hash, keyword, name = "", ...rest] = line.split(" ");
    if (line === "") continue;
    if (hash === "#" && keyword === "HELP") addHelp(helps, name, rest.join(" "));
    else if (hash === "#" && keyword === "TYPE") current = [name, addFamily(families, helps, name, rest[0] ?? "")];
    else addSample(line, current);
  }
  return families;
}

function addHelp(helps: Map<string, string>, name: string, help: string): void {
  if (helps.has(name)) throw new Error(`${name} has two HELP lines`);
  if (help.trim() === "") throw new Error(`${name} has no help text`);
  helps.set(name, help);
}

function addFamily(families: Map<string, OpenFamily>, helps: Map<string, string>, name: string, type: string) {
  const help = helps.get(name);
  if (!metricName.test(name)) throw new Error(`${name} is no metric name`);
  if (families.has(name)) throw new Error(`${name} has two TYPE lines`);
  if (help === undefined) throw new Error(`${name} has no HELP line before its TYPE`);
  if (!["counter", "gauge", "histogram", "summary"].includes(type)) throw new Error(`${name} is of type ${type}`);
  const family = { type, help, samples: new Map<string, number>() };
  families.set(name, family);
  return family;
}

function addSample(line: string, current: [string, OpenFamily] | undefined): void {
  const [, name, labels = "", value = ""] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const [family, { type, samples }] = current ?? ["", { type: "", samples: new Map<string, number>() }];
  const suffixes = { histogram: ["_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] }[type] ?? [""];
  if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`${name} stands below ${family}`);
  const series = `${name}{${sortLabels(labels, line)}}`;
  if (samples.has(series)) throw new Error(`${series} is there twice`);
  const number = Number(value.replace(/^\+?Inf$/, "Infinity"));
  // A scraper reads "NaN" in any case; that is how what was not measured yet is written.
  if (Number.isNaN(number) && !/^nan$/i.test(value)) throw new Error(`${line} has no value`);
  if (type === "counter" && number < 0) throw new Error(`${line}: a counter is negative`);
  samples.set(series, number);
}

function sortLabels(labels: string, line: string): string {
  const pairs: string[] = [];
  let end = 0;
  for (const match of labels.matchAll(labelPair)) {
    pairs.push(`${match[1]}="${match[2]}"`);
    end = match.index + match[0].length;
  }
  if (end !== labels.length) throw new Error(`labels cannot be read: ${line}`);
  const names = pairs.map((pair) => pair.split("=")[0]);
  if (new Set(names).size !== names.length) throw new Error(`a label is there twice: ${line}`);
  return pairs.sort().join(",");
}
