import { userInfo } from "node:os";
import { expect, it, test } from "vitest";
import { parsePasswd, readUserNames, userName } from "../../../../services/providers/linux/procfs/users.js";

const passwd = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/sh
# comment:x:7:7
broken line
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
+:::::
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
`;

test.each([
  [0, "root"],
  [33, "www-data"],
  [65534, "nobody"],
  [7, "7"],
  [4294967294, "4294967294"],
])("user %i is %s", (id, name) => {
  expect(userName(parsePasswd(passwd), id)).toBe(name);
});

it("knows who runs this test, twice the same", async () => {
  const { uid, username } = userInfo();
  const names = await readUserNames();
  expect(userName(names, uid)).toBe(username);
  expect(await readUserNames()).toBe(names);
});
