// Values as strace writes them with -xx -yy -X raw: strings are all \xNN, constants are numbers, descriptors have what they stand for.
import { constants } from "node:os";

/** A line, or a part of it, that is not as strace writes them. */
export class UnreadableError extends Error {}

/** A descriptor with what it stands for: a path as bytes, or text such as TCP:[127.0.0.1:80->127.0.0.1:5000]. */
export interface Descriptor {
  readonly number: number;
  /** Undefined when strace does not say. */
  readonly target: Buffer | undefined;
}

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "<": ">" };

/** Splits at commas that are in no brackets and no string. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  const open: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"') at = endOfString(text, at);
    else if (character === "," && open.length === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    } else if (character in closing) open.push(closing[character] as string);
    // The ends of an arrow, -> or =>, close nothing.
    else if (character === open.at(-1) && !(character === ">" && "-=".includes(text[at - 1] as string))) open.pop();
  }
  if (open.length > 0) throw new UnreadableError(`${open.length} brackets are not closed`);
  const last = text.slice(from).trim();
  return last === "" && parts.length === 0 ? [] : [...parts, last];
}

// A string has no quotes within it: all of its bytes are \xNN.
function endOfString(text: string, at: number): number {
  const end = text.indexOf('"', at + 1);
  if (end < 0) throw new UnreadableError("a string does not end");
  return end;
}

/** The bytes of "\x2f\x65"; undefined for NULL. */
export function parseString(text: string): Buffer | undefined {
  if (text === "NULL") return undefined;
  const quoted = /^"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?$/.exec(text)?.[1];
  if (quoted === undefined) throw new UnreadableError(`no string: ${text.slice(0, 100)}`);
  return parseHex(quoted);
}

/** True for a string that strace has cut. */
export function isCut(text: string): boolean {
  return text.endsWith("...");
}

function parseHex(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}

/** 0x80000, 0666, -100, 0x1200000|17, NULL. */
export function parseNumber(text: string): number {
  if (text === "NULL") return 0;
  const bits = text.replace(/ *\/\*.*\*\/$/, "").split("|");
  return Number(bits.reduce((sum, part) => sum | parseInteger(part), 0n));
}

/** A process, thread or group by its number on the host: 4711, or what strace says of one that has another number in a container. */
export function parsePid(text: string): number {
  return parseNumber(/\/\* (-?\d+) in strace's PID NS \*\/$/.exec(text)?.[1] ?? text);
}

function parseInteger(text: string): bigint {
  const [, sign, octal, other] = /^(-?)(?:0([0-7]+)|(0x[0-9a-f]+|\d+))$/.exec(text) ?? [];
  if (sign === undefined) throw new UnreadableError(`no number: ${text.slice(0, 100)}`);
  const value = BigInt(octal === undefined ? (other as string) : `0o${octal}`);
  return sign === "-" ? -value : value;
}

/** 3<\x2f\x65>, -100<\x2f>, 4<TCP:[…]>, 1</dev/null<char 1:3>>, or 5 alone. */
export function parseDescriptor(text: string): Descriptor {
  const [, number, target] = /^(-?\d+)(?:<(.*)>(?:\(deleted\))?)?$/.exec(text) ?? [];
  if (number === undefined) throw new UnreadableError(`no descriptor: ${text.slice(0, 100)}`);
  return { number: Number(number), target: target === undefined ? undefined : parseTarget(target) };
}

// A device is told behind its path: <char 1:3>.
function parseTarget(text: string): Buffer {
  const name = text.replace(/<(?:char|block) [^>]*>$/, "");
  return /^(?:\\x[0-9a-f]{2})+$/.test(name) ? parseHex(name) : Buffer.from(name, "latin1");
}

/** The number of an errno by its name, positive. */
export function parseErrno(name: string): number {
  const number = (constants.errno as Readonly<Record<string, number>>)[name] ?? otherErrnos[name];
  if (number === undefined) throw new UnreadableError(`no errno: ${name}`);
  return number;
}

// Those that Node.js has no name for, of <asm-generic/errno.h>.
const otherErrnos: Readonly<Record<string, number>> = {
  ENOTBLK: 15,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ECANCELED: 125,
  EHOSTDOWN: 112,
  EREMOTEIO: 121,
  EUCLEAN: 117,
  ESHUTDOWN: 108,
  ENOTUNIQ: 76,
  EUNATCH: 49,
  ENONET: 64,
};

/** The value of a field of {name=value, …}; undefined when it has none of that name. */
export function fieldOf(struct: string, name: string): string | undefined {
  if (!struct.startsWith("{") || !struct.endsWith("}")) throw new UnreadableError(`no struct: ${struct.slice(0, 100)}`);
  const found = splitList(struct.slice(1, -1)).find((field) => field.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
