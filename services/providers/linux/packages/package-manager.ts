// What the product needs of a package manager. Four backends implement it, each in a file of its name.
import type { TailText } from "../output-tail.js";

/** A package as the manager's database has it. */
export interface InstalledPackage {
  readonly name: string;
  /** As the manager writes it: "amd64", "noarch", "any". */
  readonly arch: string;
  /** As the manager writes it, with its epoch and release where it has them. */
  readonly version: string;
  /** Absent when the manager does not tell. */
  readonly installedBytes?: number;
  /** True when the package was removed and left its configuration; such a package does not count as installed. */
  readonly configurationOnly?: boolean;
}

/** A newer version of an installed package, from the metadata that the host has now. */
export interface PackageUpgrade {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
}

/** A package by name, and one version of it where that was asked for. */
export interface PackageRequest {
  readonly name: string;
  readonly version?: string;
}

/** A change that a manager can plan and apply. */
export type PackageAction =
  | { readonly kind: "install"; readonly packages: readonly PackageRequest[] }
  | { readonly kind: "remove"; readonly names: readonly string[] }
  /** No names: all packages. */
  | { readonly kind: "update"; readonly names: readonly string[] }
  | { readonly kind: "remove-unused" }
  | { readonly kind: "remove-orphaned" };

/** Work on the manager's own files, which changes no package. */
export type MaintenanceAction = { readonly kind: "refresh" } | { readonly kind: "clean-cache" };

/** A package that a plan takes away. */
export interface PlannedRemoval {
  readonly name: string;
  /** Empty where the manager does not tell. */
  readonly version: string;
  /** It has one of these; empty where the manager does not tell. */
  readonly arches: readonly string[];
  /** True when only the configuration of a removed package goes. */
  readonly configurationOnly?: boolean;
}

/** What an action would do to the database. An upgrade removes one version and adds another. */
export interface PackagePlan {
  readonly removed: readonly PlannedRemoval[];
  readonly added: readonly PackageUpgrade[];
  readonly output: TailText;
}

/** The plan of an action that finds nothing to do. */
export const emptyPlan: PackagePlan = { removed: [], added: [], output: { text: "", cutBytes: 0 } };

/** The manager's fixed properties. */
export interface PackageManagerTraits {
  readonly name: "apt" | "dnf" | "zypper" | "pacman";
  /** The program by which the host is known to have it. */
  readonly program: string;
  /** Held by whoever changes packages now. */
  readonly lockFiles: readonly string[];
  /** Without these the host could neither boot nor be mended; beside the manager's own list of protected packages. */
  readonly vitalPackages: readonly string[];
  /** Where downloaded packages are kept, and which files there belong to the cache. */
  readonly cache: { readonly directories: readonly string[]; readonly file: RegExp };
  /** Prints the paths that packages own, one a line. */
  readonly listFiles: { readonly program: string; readonly args: readonly string[] };
}

/** Methods throw UNKNOWN_PACKAGE, LOCKED, CHANGE_REFUSED or COMMAND_FAILED. Only `apply` changes packages. */
export interface PackageManager {
  readonly traits: PackageManagerTraits;
  listInstalled(signal: AbortSignal): Promise<InstalledPackage[]>;
  /** Reads present metadata and asks no network. */
  listUpgrades(signal: AbortSignal): Promise<PackageUpgrade[]>;
  plan(action: PackageAction, signal: AbortSignal): Promise<PackagePlan>;
  apply(action: PackageAction | MaintenanceAction, signal: AbortSignal): Promise<TailText>;
  /** Negative when the first version is older, by the manager's own rules. */
  compareVersions(first: string, second: string, signal: AbortSignal): Promise<number>;
}
