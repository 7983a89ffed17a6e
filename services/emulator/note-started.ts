// Which command a host carries out: it runs one change at a time, and its daemon writes the command down right before.
import type { Journal } from "../daemon/journal.js";

/** The journal, and the command that was written down as started last. */
export function noteStarted(journal: Journal): { readonly journal: Journal; commandId(): string } {
  let started = "";
  return {
    commandId: () => started,
    journal: {
      ...journal,
      async write(entry) {
        await journal.write(entry);
        if (!entry.reply) started = entry.commandId;
      },
    },
  };
}
