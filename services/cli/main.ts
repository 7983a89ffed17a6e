#!/usr/bin/env node
// The one binary. A verb is one file here, and only the one that was named is loaded: a daemon that waits for years need not
// know how to ask.
import { Command } from "commander";
import { productVersion } from "../shared/version.js";
import { verbs } from "./verbs.js";

const program = new Command("systems-manager")
  .description("Ask or change one machine or ten thousand, and get one short, true, complete summary back.")
  .version(productVersion);
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const named = words[0] === "help" ? words[1] : words[0];
for (const { name, description, load } of verbs) {
  const verb = name === named ? await load() : new Command(name);
  program.addCommand(verb.description(description));
}

try {
  await program.parseAsync();
} catch (error) {
  const { describeFailure } = await import("./describe-failure.js");
  const described = describeFailure(error);
  if (described === undefined) throw error;
  console.error(described);
  process.exitCode = 1;
}
