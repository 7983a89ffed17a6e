// What a daemon needs of a Linux host.
import type { Logger } from "../../shared/log.js";
import { checkRequirement, type Requirement } from "../requirement.js";
import { lookUpProgram } from "./find-program.js";
import { builtAddonPath } from "./native.js";
import { selectPackageManager } from "./packages/select-package-manager.js";
import { openProcSource } from "./procfs/open-proc-source.js";
import { requireSystemd } from "./service-manager/require-systemd.js";

/** In the order in which a reader wants to know. */
export function checkLinuxRequirements(log: Logger): Promise<readonly Requirement[]> {
  return Promise.all([
    checkRequirement("systemd", () => {
      requireSystemd();
      return "services can be listed and managed";
    }),
    checkRequirement("package manager", async () => {
      const { program } = (await selectPackageManager("doctor")).traits;
      return (await lookUpProgram(program)) ?? program;
    }),
    checkRequirement("native addon", () => {
      openProcSource("native", log);
      return builtAddonPath();
    }),
  ]);
}
