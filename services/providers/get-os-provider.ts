// The one place that tells platforms apart.
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { checkLinuxRequirements } from "./linux/check-requirements.js";
import { createLinuxProvider } from "./linux/linux-provider.js";
import type { OSProvider } from "./os-provider.js";
import type { Requirement } from "./requirement.js";

export interface OSProviderOptions {
  readonly log: Logger;
  /** As process.platform names it; this process's own by default. */
  readonly platform?: NodeJS.Platform;
  /** Where a host without a machine id keeps one of its own. */
  readonly stateDirectory?: string;
}

/** The provider of this platform; the caller closes it. Throws UNSUPPORTED elsewhere. */
export async function getOSProvider({
  platform = process.platform,
  ...options
}: OSProviderOptions): Promise<OSProvider> {
  if (platform === "linux") return createLinuxProvider(options);
  throw unknownPlatform(platform);
}

/** What a daemon needs of this host, each as it was found. Throws UNSUPPORTED elsewhere. */
export async function checkRequirements(log: Logger, platform = process.platform): Promise<readonly Requirement[]> {
  if (platform === "linux") return checkLinuxRequirements(log);
  throw unknownPlatform(platform);
}

function unknownPlatform(platform: string) {
  return failure(
    ErrorReason.UNSUPPORTED,
    `the platform ${JSON.stringify(platform)} has no provider; supported is linux`,
    {
      metadata: { operation: "getOSProvider", needs: "linux" },
      remedy: "run the daemon on Linux",
    },
  );
}
