// Preloaded into a process: writes every module that it has loaded into the file LIST_MODULES names, the built-in ones when it is told to
// stop, before it does.
import { appendFileSync } from "node:fs";
import { createRequire, register } from "node:module";

const path = process.env.LIST_MODULES;
const hooks = `
import { appendFileSync } from "node:fs";
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(path)}, url + "\\n");
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const { cache } = createRequire(import.meta.url);
process.once("SIGTERM", () => appendFileSync(path, [...Object.keys(cache), ...process.moduleLoadList, ""].join("\n")));
