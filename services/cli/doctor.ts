// systems-manager doctor: what this host lacks, and what of it can be traced. It asks no control plane and changes nothing.
import { Command } from "commander";
import { defaultStateDirectory } from "./default-state-directory.js";
import type { DoctorOptions } from "./run-doctor.js";

export const doctor = new Command("doctor")
  .option("--state-dir <directory>", "where the daemon is to keep its state", defaultStateDirectory())
  .option("--json", "print the report as JSON")
  .action(async (options: DoctorOptions) => (await import("./run-doctor.js")).runDoctor(options));
