// Where the package lies, whether it runs from sources (tests) or from dist.
import { existsSync } from "node:fs";

/** URL of the folder that holds package.json, with a trailing slash. */
export function findPackageRoot(): URL {
  let folder = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) {
    const parent = new URL("../", folder);
    if (parent.href === folder.href) throw new Error(`no package.json above ${import.meta.url}`);
    folder = parent;
  }
  return folder;
}
