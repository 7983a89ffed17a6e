// Runs a package manager's programs, and gives its known complaints their error reasons.
import type { ConnectError } from "@connectrpc/connect";
import { ErrorReason, errorDetailOf, failure } from "../../../shared/errors.js";
import { type ProgramResult, type RunOptions, runProgram } from "../run-program.js";
import { findLockHolder } from "./find-lock-holder.js";
import type { PackageManagerTraits } from "./package-manager.js";

/** What a manager writes when it refuses; each pattern is searched for in the end of its output. */
export interface Complaints {
  readonly locked: RegExp;
  /** Its first group is the package, as it was asked for. */
  readonly unknownPackage: RegExp;
  readonly protectedPackage?: RegExp;
}

/** A package that no repository offers, or that is not installed. */
export function unknownPackage(name: string, where: "in the repositories" | "installed"): ConnectError {
  return failure(ErrorReason.UNKNOWN_PACKAGE, `${name} is not ${where}`, {
    metadata: { package: name },
    remedy: where === "installed" ? "list the packages of the host" : "check the name, or set refresh",
  });
}

/** The host must not lose this package. */
export function protectedPackage(name: string): ConnectError {
  return failure(ErrorReason.CHANGE_REFUSED, `the change would remove ${name}, which the host needs`, {
    metadata: { subject: name, rule: "protected" },
    remedy: "leave it installed",
  });
}

/** Runs one program of a manager; the signal's abort gives it half a minute to end in order. */
export type ManagerRunner = (program: string, args: readonly string[], options: RunOptions) => Promise<ProgramResult>;

/** Makes the function by which a backend runs its programs. */
export function managerRunner(
  traits: PackageManagerTraits,
  complaints: Complaints,
  environment: Readonly<Record<string, string>> = {},
): ManagerRunner {
  return async (program, args, options) => {
    try {
      return await runProgram(program, args, { killGraceMs: 30_000, environment, ...options });
    } catch (error) {
      throw await explain(error, traits, complaints);
    }
  };
}

async function explain(error: unknown, traits: PackageManagerTraits, complaints: Complaints): Promise<unknown> {
  const { reason, metadata } = errorDetailOf(error);
  if (reason !== ErrorReason.COMMAND_FAILED) return error;
  const output = metadata.output ?? "";
  if (complaints.locked.test(output)) return locked(traits, error);
  const missing = complaints.unknownPackage.exec(output)?.[1];
  if (missing) return unknownPackage(missing, "in the repositories");
  if (!complaints.protectedPackage?.test(output)) return error;
  return failure(ErrorReason.CHANGE_REFUSED, `${traits.name} refuses to remove a package that it protects`, {
    metadata: { subject: traits.name, rule: "protected" },
    remedy: "leave it installed",
    cause: error,
  });
}

async function locked(traits: PackageManagerTraits, cause: unknown): Promise<ConnectError> {
  const holder = await findLockHolder(traits.lockFiles);
  const lock = holder?.path ?? traits.lockFiles[0] ?? "";
  const pid = holder?.pid.toString() ?? "";
  const who = holder ? `process ${pid} holds it` : "no process was found that holds it";
  return failure(ErrorReason.LOCKED, `the packages of the host are locked by ${lock}: ${who}`, {
    metadata: { lock, pid },
    remedy: "try again when the other change is done",
    cause,
  });
}
