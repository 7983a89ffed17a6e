// Counted values, log-line templates and samples of an aggregate, as fields of a summary and as lines.
import { create } from "@bufbuild/protobuf";
import {
  type Count,
  CountSchema,
  type LogTemplate,
  LogTemplateSchema,
  type Sample,
  SampleSchema,
} from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { Reduction } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { cleanText } from "../../shared/untrusted-text.js";
import type { Aggregate, LeafState, ValueCount } from "../aggregate/aggregate.js";
import { compareText } from "../aggregate/hash.js";
import type { Leaf } from "../aggregate/plan.js";
import type { Row } from "../aggregate/row.js";
import { shapesOf } from "../aggregate/templates/line-table.js";
import { growTemplates, type TemplateGroup, textOf } from "../aggregate/templates/template-tree.js";
import { type Line, lineOf } from "./line.js";
import type { Told } from "./number-entries.js";
import { keyText, plural, showCount, showElement, showHosts, showKey, showUntrusted } from "./show-value.js";
import { isAlarming } from "./statement.js";

const valuesPerLine = 8;
const hostsPerTemplate = 5;
const templateLength = 400;
const exampleLength = 240;

/** Occurrences of values, most frequent first; words of trouble before all. */
export function countsOf(aggregate: Aggregate): Told<Count> {
  const told = aggregate.leaves
    .filter(({ leaf }) => leaf.reductions.has(Reduction.COUNT))
    .map(({ leaf, counts }) => ({ leaf, values: sortedCounts(leaf, counts.entries()) }))
    .filter(({ values }) => values.length > 0);
  return {
    entries: told.flatMap(({ leaf, values }) => values.map(([value, count]) => countOf(leaf, value, count))),
    lines: told.map(({ leaf, values }) => countLine(leaf, values)),
  };
}

/** Templates, most frequent first. */
export function templatesOf(aggregate: Aggregate): Told<LogTemplate> {
  const told = aggregate.leaves
    .filter(({ leaf }) => leaf.reductions.has(Reduction.TEMPLATE))
    .flatMap((state) => templatesOfLeaf(aggregate, state));
  return { entries: told, lines: told.map(templateLine) };
}

/** Samples of rows in the order of their keys; rows whose samples are told elsewhere are left to it. */
export function samplesOf(aggregate: Aggregate, toldElsewhere: ReadonlySet<Row>): Told<Sample> {
  const entries: Sample[] = [];
  const lines: Line[] = [];
  for (const { scope, rows } of aggregate.scopes) {
    for (const [, row] of rows.entries().sort((a, b) => compareText(a[0], b[0]))) {
      for (const [leaf, samples] of row.samples) {
        for (const { value, host } of samples) {
          entries.push(create(SampleSchema, { path: leaf.path, key: keyText(row.key), value, host }));
          const subject = scope.keyed ? `${leaf.path} of ${showKey(row.key)}` : leaf.path;
          if (!toldElsewhere.has(row)) lines.push(lineOf(`sample ${subject}: ${showUntrusted(value)} on ${host}`));
        }
      }
    }
  }
  return { entries, lines };
}

function sortedCounts(leaf: Leaf, counts: Array<[string, ValueCount]>): Array<[string, ValueCount]> {
  const isTrouble = ([value]: [string, ValueCount]) => Number(isAlarming(leaf, [value]));
  return counts.sort((a, b) => isTrouble(b) - isTrouble(a) || b[1].count - a[1].count || compareText(a[0], b[0]));
}

function countOf(leaf: Leaf, value: string, { count, hosts }: ValueCount): Count {
  const named = { hostCount: hosts.count, hosts: [...hosts.names] };
  return create(CountSchema, { path: leaf.path, value, count: BigInt(count), ...named });
}

function countLine(leaf: Leaf, values: ReadonlyArray<[string, ValueCount]>): Line {
  const shown = values.slice(0, valuesPerLine).map(([value, { count, hosts }]) => {
    const who = hosts.count <= 2 || isAlarming(leaf, [value]) ? ` (${showHosts(hosts, 2)})` : "";
    return `${showElement(leaf, value)} ${showCount(count)}${who}`;
  });
  const more = values.length - shown.length;
  return lineOf(
    `count of ${leaf.path}: ${shown.join(", ")}${more > 0 ? ` and ${plural(more, "more value")}` : ""}`,
    values.length,
  );
}

function templatesOfLeaf(aggregate: Aggregate, { leaf, lines }: LeafState): LogTemplate[] {
  const shapes = shapesOf(lines);
  const coarse = shapes.coarse.map(([form, shape]): TemplateGroup => ({ words: form.split(" "), shape }));
  return [...growTemplates(shapes.exact), ...coarse]
    .map((group) => templateOf(aggregate, leaf, group))
    .sort((a, b) => Number(b.count - a.count) || compareText(a.template, b.template));
}

function templateOf(aggregate: Aggregate, leaf: Leaf, group: TemplateGroup): LogTemplate {
  const perSource = new Map<number, number>();
  const pairs = group.shape.perSource;
  for (let index = 0; index < pairs.length; index += 2) {
    const source = pairs[index] as number;
    perSource.set(source, (perSource.get(source) ?? 0) + (pairs[index + 1] as number));
  }
  return create(LogTemplateSchema, {
    path: leaf.path,
    template: cleanText(textOf(group), templateLength),
    count: BigInt(group.shape.count),
    hostCount: [...perSource.keys()].reduce((sum, source) => sum + (aggregate.sources[source]?.count ?? 0), 0),
    hosts: hostsWithMost(aggregate, perSource),
    example: cleanText(group.shape.example, exampleLength),
  });
}

function hostsWithMost(aggregate: Aggregate, perSource: ReadonlyMap<number, number>) {
  return [...perSource]
    .flatMap(([source, count]) =>
      (aggregate.sources[source]?.names ?? []).map((host) => ({ host, count: BigInt(count) })),
    )
    .sort((a, b) => Number(b.count - a.count) || compareText(a.host, b.host))
    .slice(0, hostsPerTemplate);
}

function templateLine(template: LogTemplate): Line {
  const named = template.hosts.map(({ host, count }) => `${host} ${showCount(count)}`).join(", ");
  const more = template.hostCount - template.hosts.length;
  const who = `${plural(template.hostCount, "host")} (${named}${more > 0 ? ` and ${showCount(more)} more` : ""})`;
  const example = template.template === template.example ? "" : `, for example ${showUntrusted(template.example)}`;
  return lineOf(
    `${plural(Number(template.count), "line")} on ${who}: ${showUntrusted(template.template, 240)}${example}`,
  );
}
