// Versions that peers tell each other.
import { readFileSync } from "node:fs";
import { findPackageRoot } from "./package-root.js";

/** Version of this package. */
export const productVersion: string = JSON.parse(
  readFileSync(new URL("package.json", findPackageRoot()), "utf8"),
).version;

/** Version of the relay protocol; it grows with every change that an older peer would misunderstand. */
export const protocolVersion = 1;
