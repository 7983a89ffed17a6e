import { expect, test } from "vitest";
import { parseMaps } from "../../../../services/providers/linux/profile/parse-maps.js";

const text = `55d0c0a00000-55d0c0a02000 r--p 00000000 fe:00 1234                       /usr/bin/sh
55d0c0a02000-55d0c0a10000 r-xp 00002000 fe:00 1234                       /usr/bin/sh
7f0000000000-7f0000100000 rwxp 00000000 00:00 0 
7f0000200000-7f0000300000 r-xp 00000000 00:00 0                          [anon:v8]
7f1000000000-7f1000001000 r-xp 00010000 00:2a 99                         /opt/a b/lib\\012x.so (deleted)
7ffd1e1f2000-7ffd1e1f4000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
nonsense
`;

test("code of files and of the kernel's own is kept, with its place in the file; compiled code is not", () => {
  expect(parseMaps(text)).toEqual([
    {
      start: 0x55d0c0a02000n,
      end: 0x55d0c0a10000n,
      offset: 0x2000n,
      device: "fe:00",
      inode: 1234n,
      path: "/usr/bin/sh",
    },
    {
      start: 0x7f1000000000n,
      end: 0x7f1000001000n,
      offset: 0x10000n,
      device: "00:2a",
      inode: 99n,
      path: "/opt/a b/lib\\012x.so (deleted)",
    },
    { start: 0x7ffd1e1f2000n, end: 0x7ffd1e1f4000n, offset: 0n, device: "00:00", inode: 0n, path: "[vdso]" },
    {
      start: 0xffffffffff600000n,
      end: 0xffffffffff601000n,
      offset: 0n,
      device: "00:00",
      inode: 0n,
      path: "[vsyscall]",
    },
  ]);
  expect(parseMaps("")).toEqual([]);
});
