// Values, row keys and hosts as text of a summary. What a host's users can influence is always quoted.
import { Unit } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { cleanText, quote } from "../../shared/untrusted-text.js";
import type { HostSet } from "../aggregate/host-set.js";
import type { Leaf } from "../aggregate/plan.js";
import type { KeyPart } from "../aggregate/read-answer.js";

// One word of unsuspicious characters reads as a value by itself; anything else stands in quotes, whoever says it.
const oneWord = /^[A-Za-z0-9][\w.:@/+~-]{0,79}$/;
const shownLength = 160;
const grouped = new Intl.NumberFormat("en-US");
const allNamed = 5;

/** A whole number with thousands separated by commas. */
export function showCount(count: number | bigint): string {
  return grouped.format(count);
}

/** "5 hosts", "1 host". */
export function plural(count: number, noun: string): string {
  return `${showCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** "web-3", "web-3, web-7 and 12 more": all names of a few hosts, else so many as examples. */
export function showHosts(hosts: HostSet, examples = 2): string {
  if (hosts.count <= Math.min(allNamed, hosts.names.length)) return hosts.names.join(", ");
  const names = hosts.names.slice(0, examples);
  return `${names.join(", ")} and ${showCount(hosts.count - names.length)} more`;
}

/** A row's key. */
export function showKey(key: readonly KeyPart[]): string {
  return key.map((part) => showWord(part.text, part.untrusted)).join(" ") || "(no name)";
}

/** A row's key as the fields of a summary have it. */
export function keyText(key: readonly KeyPart[]): string {
  return key.map((part) => part.text).join(" ");
}

/** The distinct values that a host has for one field. */
export function showElements(leaf: Leaf, elements: readonly string[]): string {
  if (elements.length === 0) return "none";
  return elements.map((element) => showElement(leaf, element)).join(" + ");
}

/** One text value. */
export function showElement(leaf: Leaf, element: string): string {
  if (element === "") return "empty";
  const isNumber = leaf.kind === "number" && leaf.unit !== Unit.UNSPECIFIED;
  return isNumber ? showNumber(Number(element), leaf) : showWord(element, leaf.untrusted);
}

/** The distinct values as the fields of a summary have them. */
export function elementsText(elements: readonly string[]): string {
  return elements.length === 1 ? (elements[0] as string) : elements.map((element) => quote(element)).join(", ");
}

/** Untrusted text, quoted and capped. */
export function showUntrusted(text: string, maxLength = shownLength): string {
  return quote(cleanText(text, maxLength));
}

/** A number with its unit. */
export function showNumber(value: number, leaf: Leaf): string {
  if (leaf.kind === "timestamp") return showTime(value);
  if (leaf.kind === "duration") return showSeconds(value);
  switch (leaf.unit) {
    case Unit.BYTES:
      return showBytes(value);
    case Unit.SECONDS:
      return showSeconds(value);
    case Unit.RATIO:
      return `${trimmed(value * 100)} %`;
    case Unit.CPUS:
      return `${trimmed(value)} CPUs`;
    case Unit.HERTZ:
      return `${trimmed(value)} Hz`;
    default:
      return trimmed(value);
  }
}

function showWord(text: string, isUntrusted: boolean): string {
  return !isUntrusted && oneWord.test(text) ? text : showUntrusted(text);
}

function showBytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let scaled = value;
  let index = 0;
  while (Math.abs(scaled) >= 1024 && index < units.length - 1) {
    scaled /= 1024;
    index++;
  }
  return `${trimmed(scaled)} ${units[index]}`;
}

function showSeconds(value: number): string {
  const seconds = Math.abs(value);
  if (seconds >= 172_800) return `${trimmed(value / 86_400)} days`;
  if (seconds >= 7_200) return `${trimmed(value / 3_600)} h`;
  if (seconds >= 120) return `${trimmed(value / 60)} min`;
  return `${trimmed(value)} s`;
}

function showTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
}

// Whole numbers exactly, others with three digits that count.
function trimmed(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e15 ? showCount(value) : String(value);
  if (Math.abs(value) >= 100) return showCount(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
