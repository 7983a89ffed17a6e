import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseCommandLine, parseEnvironmentNames } from "../../../../services/providers/linux/procfs/parse-cmdline.js";

describe("a command line", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["\0", []],
    ["sleep\x0060\0", ["sleep", "60"]],
    ["sh\0-c\0\0echo\0", ["sh", "-c", "", "echo"]],
    ["nginx: master process /usr/sbin/nginx", ["nginx: master process /usr/sbin/nginx"]],
    ["sshd: root@pts/0\0\0\0\0\0\0", ["sshd: root@pts/0"]],
    ["a b\0c\nd\0", ["a b", "c\nd"]],
  ])("%j has the arguments %j", (text, argv) => {
    expect(parseCommandLine(text)).toEqual(argv);
  });

  it("replaces bytes that are not UTF-8", () => {
    expect(parseCommandLine(Buffer.from([0x61, 0, 0xff, 0xfe, 0]).toString("utf8"))).toEqual(["a", "\ufffd\ufffd"]);
  });

  it("says how much was cut, and keeps empty arguments before the cut", () => {
    expect(parseCommandLine("java\0-cp\0\0", 70000)).toEqual(["java", "-cp", "", "", "[70000 bytes cut]"]);
  });

  it("gives back any arguments that do not end in an empty one", () => {
    const argument = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1 }), (argv) => {
        fc.pre(argv.at(-1) !== "");
        expect(parseCommandLine(`${argv.join("\0")}\0`)).toEqual(argv);
      }),
      { numRuns: 200 },
    );
  });
});

describe("an environment's names", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["PATH=/bin\0HOME=/root\0", ["HOME", "PATH"]],
    ["A=1\0A=2\0", ["A"]],
    ["URL=a=b=c\0", ["URL"]],
    ["EMPTY=\0", ["EMPTY"]],
    ["secret-without-name\0B=1\0", ["B"]],
    ["=oddity\0B=1", ["B"]],
  ])("%j has the names %j", (text, names) => {
    expect(parseEnvironmentNames(Buffer.from(text))).toEqual(names);
  });
});
