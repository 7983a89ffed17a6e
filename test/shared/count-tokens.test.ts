import fc from "fast-check";
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { countTokens, mostTokens } from "../../services/shared/count-tokens.js";

const asPlainText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

describe("tokens", () => {
  const texts: string[] = [
    "",
    " ",
    "\n\n  \n",
    'greatest disks.used_ratio: "/home" 61.9 % on web-1\n',
    '{"path":"cpu.utilization","min":0.092,"unit":"ratio"}',
    "it's we'LL I'd   three   spaces  5 12345 x",
    "<|endoftext|><|im_start|>",
    "Größe ÄÖ 東京 emoji 👩‍👩‍👧 \u{1F600}",
    "\ud800 alone \udfff",
    "a".repeat(500),
    "PTQvljfl5c3dH8FhZw_MqHSNjQe5Mb9YlFcAAGsM52AA",
  ];
  it.each(texts)("of %j are counted as o200k does, the second time too", (text) => {
    const counted = countO200k(text, asPlainText);
    expect([countTokens(text), countTokens(text)]).toEqual([counted, counted]);
    expect(mostTokens(text)).toBeGreaterThanOrEqual(counted);
  });

  it("of any text are counted as o200k does, and are never more than its bytes", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      fc.lorem({ mode: "sentences" }),
    );
    fc.assert(
      fc.property(text, fc.array(fc.constantFrom(" ", "\n", "'s", "12", "A", "/", "\t")), (words, blanks) => {
        const mixed = words + blanks.join("") + words;
        const counted = countO200k(mixed, asPlainText);
        return countTokens(mixed) === counted && counted <= mostTokens(mixed);
      }),
      { numRuns: 500 },
    );
  });
});
