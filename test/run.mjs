// `npm test`: every suite under vitest; with VITEST_JSON also a report at that path.
import { spawnSync } from "node:child_process";

const reporters = process.env.VITEST_JSON
  ? ["--reporter=default", "--reporter=json", `--outputFile.json=${process.env.VITEST_JSON}`]
  : ["--reporter=default"];
const args = ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;
