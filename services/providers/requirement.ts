// What a daemon needs of its host so that every operation can run.
import { explainError } from "../shared/errors.js";

/** One need, as it was found. */
export interface Requirement {
  readonly name: string;
  readonly isMet: boolean;
  /** What meets it, or what is wrong. */
  readonly finding: string;
  /** What to do about it; empty when it is met. */
  readonly remedy: string;
}

/** Looks for something; `find` gives what was found, or throws a `failure(...)` that says what to do. */
export async function checkRequirement(name: string, find: () => string | Promise<string>): Promise<Requirement> {
  try {
    return { name, isMet: true, finding: await find(), remedy: "" };
  } catch (error) {
    const { what, remedy } = explainError(error);
    return { name, isMet: false, finding: what, remedy };
  }
}
