// Text that a host's users can influence, made safe to show: nothing invisible, nothing that reorders, capped, no secrets.
// Every function here takes time linear in the length of its input.
import { redactSecrets } from "./redact-secrets.js";

/** Longest text shown of one untrusted value, in UTF-16 units, where a caller names no other length. */
export const defaultMaxLength = 8_192;

const plain = /^[\x20-\x7e]*$/;
// A parameter byte can never begin a sequence, so each ESC is scanned once.
const terminalSequence = new RegExp(`${String.fromCharCode(0x1b)}\\[[0-?]{0,64}[ -/]{0,8}[@-~]`, "g");
const loneSurrogate = /\p{Cs}/gu;
const blank = /[\t\n\v\f\r\u0085\u2028\u2029\u2800\p{Zs}]/gu;
// Controls, bidi marks, zero-width, tags, variation selectors, private use, unassigned.
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu;
const stackedMarks = /(\p{M}{4})\p{M}+/gu;

/**
 * Removes terminal sequences and every code point that cannot be seen, turns each blank into one space, replaces lone surrogates and
 * caps the length (UTF-16 units). A cut is marked with the number of units left out.
 */
export function cleanText(text: string, maxLength = defaultMaxLength): string {
  const looked = lookedAt(text, maxLength);
  return cap(makeVisible(looked), text.length - looked.length, maxLength);
}

/** cleanText and redactSecrets: what every untrusted value goes through before it is shown. */
export function cleanUntrusted(text: string, maxLength = defaultMaxLength): string {
  const looked = lookedAt(text, maxLength);
  // Secrets are looked for before the cut, so that half a secret cannot hide behind it.
  return cap(redactSecrets(makeVisible(looked)), text.length - looked.length, maxLength);
}

/** The text as a JSON string: it cannot be taken for the prose around it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

// Looking four times as far as what is kept bounds the work on a huge text that is mostly invisible.
function lookedAt(text: string, maxLength: number): string {
  return text.slice(0, maxLength * 4);
}

function makeVisible(text: string): string {
  if (plain.test(text)) return text;
  return text
    .replace(loneSurrogate, "\ufffd")
    .replace(terminalSequence, "")
    .replace(blank, " ")
    .replace(invisible, "")
    .replace(stackedMarks, "$1");
}

function cap(visible: string, unseen: number, maxLength: number): string {
  const kept = visible.length <= maxLength ? visible : withoutHalfPair(visible.slice(0, maxLength));
  const left = visible.length - kept.length + unseen;
  return left > 0 ? `${kept}[+${left} characters]` : kept;
}

function withoutHalfPair(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
