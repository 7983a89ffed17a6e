// A log line with its variables masked. One pass over the characters with a table of character classes; a word is classified by patterns that
// are anchored and disjoint, so the time is linear in the line whatever a hostile program writes into it.
//
// Masks: <time> (clock times, ISO dates and date-times), <ip> (v4, v6, with port: <ip>:<port>), <mac>, <uuid>, <hex> (0x..., or 6 and more hexadecimal
// digits with letters and digits), <num> (whole and decimal numbers; a unit stays: "<num>ms"), <email>, <str> (what stands in double
// quotes). Inside other words every run of digits is <num>: "eth0" is "eth<num>". Paths keep their constant parts.

/** What is looked at of a line, in UTF-16 units; the rest is one "<*>". */
const maskedLength = 1_024;

const wordUnit = new Uint8Array(128);
for (const unit of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:@+-~%")
  wordUnit[unit.charCodeAt(0)] = 1;

const time =
  /^(?:\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?|\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?)$/;
const ipv4 = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const ipv4Port = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}:\d{1,5}$/;
const mac = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;
const ipv6 = /^(?=[^:]*:[^:]*:)[0-9a-f:]{3,39}(?:%\w{1,15})?$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const hexPrefixed = /^0x[0-9a-f]{1,64}$/i;
const hexRun = /^(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,128}$/i;
const number = /^[+-]?\d{1,30}(?:\.\d{1,30})?(%|[A-Za-z]{0,3}(?:\/s)?)$/;
const email = /^[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}$/;
const digits = /\d+/g;
const hasDigit = /\d/;

/** The line with its variables masked; runs of blanks become one space. */
export function maskLine(line: string): string {
  const end = Math.min(line.length, maskedLength);
  let masked = "";
  let position = 0;
  let quoteEnds = true;
  while (position < end) {
    const unit = line.charCodeAt(position);
    if (isWordUnit(unit)) {
      const start = position;
      while (position < end && isWordUnit(line.charCodeAt(position))) position++;
      masked += maskWord(line.slice(start, position));
    } else if (unit === 0x22 && quoteEnds) {
      const close = line.indexOf('"', position + 1);
      // Without a closing quote there is none for any later one either: never look again.
      quoteEnds = close >= 0 && close < end;
      masked += quoteEnds ? '"<str>"' : '"';
      position = quoteEnds ? close + 1 : position + 1;
    } else {
      if (unit !== 0x20 || !masked.endsWith(" ")) masked += line[position];
      position++;
    }
  }
  return line.length > end ? `${masked} <*>` : masked.trim();
}

function isWordUnit(unit: number): boolean {
  return unit >= 128 || wordUnit[unit] === 1;
}

// Punctuation at the end of a word belongs to the sentence: "10.0.0.1:" and "done."
function maskWord(word: string): string {
  let end = word.length;
  while (end > 0 && isSentencePunctuation(word.charCodeAt(end - 1))) end--;
  const core = end === word.length ? word : word.slice(0, end);
  return end === word.length ? maskCore(core) : maskCore(core) + word.slice(end);
}

function isSentencePunctuation(unit: number): boolean {
  return unit === 0x2e || unit === 0x3a || unit === 0x2d;
}

function maskCore(core: string): string {
  if (!hasDigit.test(core)) return core.includes("@") && email.test(core) ? "<email>" : core;
  if (core.length > 128) return core.replace(digits, "<num>");
  if (core.includes(":")) return maskWithColon(core);
  const plain = number.exec(core);
  if (plain && !hexRun.test(core)) return `<num>${plain[1] ?? ""}`;
  if (ipv4.test(core)) return "<ip>";
  if (time.test(core)) return "<time>";
  if (uuid.test(core)) return "<uuid>";
  if (mac.test(core)) return "<mac>";
  if (core.includes("@") && email.test(core)) return "<email>";
  return core
    .split(/([.@_~+%-])/)
    .map(maskSegment)
    .join("");
}

function maskWithColon(core: string): string {
  if (time.test(core)) return "<time>";
  if (ipv4Port.test(core)) return "<ip>:<port>";
  if (mac.test(core)) return "<mac>";
  if (ipv6.test(core)) return "<ip>";
  return core.split(":").map(maskCore).join(":");
}

function maskSegment(segment: string): string {
  if (!hasDigit.test(segment)) return segment;
  if (hexPrefixed.test(segment) || hexRun.test(segment)) return "<hex>";
  return segment.replace(digits, "<num>");
}
