// Secrets in text that is shown: found by their shape or by the name before them, replaced by a fixed mark. Every pattern is a chain of
// bounded or disjoint parts, so no input makes it scan the same text again and again.

const mark = "[redacted]";

const secretName =
  "(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|credentials?|auth[_-]?token)";
const nameEnd = "(?:[_-]?(?:\\d{1,3}|key|value|hash))?";
// Cheap test that lets most text go by untouched.
const suspicious =
  /pass|pwd|secret|token|key|cred|auth|bearer|eyJ|A[KS]IA|:\/\/|gh[opsu]_|github_pat_|xox|sk-|glpat-|AIza|PRIVATE/i;

const privateKeyBegin = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----/g;
const privateKeyEnd = /-----END [A-Z ]{0,32}PRIVATE KEY-----/g;
const urlCredentials = /(:\/\/)[^\s/?#@"'<>]{0,256}:[^\s/?#@"'<>]{1,256}@/g;
const bearer = /\b(bearer|authorization["']?:? {0,4}["']?\w{1,16})(\s{1,4})([A-Za-z0-9._~+/-]{8,4096}={0,2})/gi;
const notAWord = /[0-9=]|.{24}/;
const named = new RegExp(
  `(${secretName}${nameEnd}["']?\\s{0,4}(?::=|=>|[=:])\\s{0,4})("[^"]{1,512}"|'[^']{1,512}'|[^\\s"',;&]{1,4096})`,
  "gi",
);
const argument = new RegExp(
  `((?:^|\\s)--?[\\w-]{0,24}${secretName}\\s{1,4})("[^"]{1,512}"|'[^']{1,512}'|[^\\s"'-][^\\s"']{0,4096})`,
  "gi",
);
const argumentName = new RegExp(`^--?[\\w-]{0,24}${secretName}$`, "i");
// Runs of token characters; each is looked at once, whole.
const run = /[A-Za-z0-9_.~+/-]{16,}/g;
const tokenShapes = [
  /^eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?$/,
  /^(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}$/,
  /^gh[opsu]_[A-Za-z0-9]{20,}$/,
  /^github_pat_\w{20,}$/,
  /^xox[abeprs]-[\w-]{10,}$/,
  /^sk-[\w-]{16,}$/,
  /^glpat-[\w-]{16,}$/,
  /^AIza[\w-]{30,}$/,
];

/**
 * Replaces private key blocks, credentials in URLs, bearer and basic credentials, JSON web tokens, keys of well-known services, and values
 * that follow a secret's name ("password=", "--token"). What it does not know by shape or name stays.
 */
export function redactSecrets(text: string): string {
  if (!suspicious.test(text)) return text;
  return redactPrivateKeys(text)
    .replace(urlCredentials, `$1${mark}@`)
    .replace(bearer, (whole, scheme: string, gap: string, credential: string) =>
      scheme.length > "bearer".length || notAWord.test(credential) ? `${scheme}${gap}${mark}` : whole,
    )
    .replace(named, (_whole, name: string) => `${name}${mark}`)
    .replace(argument, (_whole, name: string) => `${name}${mark}`)
    .replace(run, redactToken);
}

/** redactSecrets on each argument of a command line, and on the argument that follows a secret's option ("--password", "x"). */
export function redactArguments(values: readonly string[]): string[] {
  return values.map((value, index) => {
    const before = values[index - 1];
    return before !== undefined && argumentName.test(before) ? mark : redactSecrets(value);
  });
}

function redactToken(candidate: string): string {
  return tokenShapes.some((shape) => shape.test(candidate)) ? mark : candidate;
}

function redactPrivateKeys(text: string): string {
  if (!text.includes("PRIVATE KEY-----")) return text;
  const parts: string[] = [];
  let position = 0;
  privateKeyBegin.lastIndex = 0;
  for (let begin = privateKeyBegin.exec(text); begin; begin = privateKeyBegin.exec(text)) {
    parts.push(text.slice(position, begin.index), mark);
    privateKeyEnd.lastIndex = privateKeyBegin.lastIndex;
    // A block that does not end, because the text was cut, is a secret up to the end of the text.
    position = privateKeyEnd.exec(text) ? privateKeyEnd.lastIndex : text.length;
    privateKeyBegin.lastIndex = position;
  }
  return parts.join("") + text.slice(position);
}
