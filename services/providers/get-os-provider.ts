// The one place that tells platforms apart.
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { createLinuxProvider } from "./linux/linux-provider.js";
import type { OSProvider } from "./os-provider.js";

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
  throw failure(
    ErrorReason.UNSUPPORTED,
    `the platform ${JSON.stringify(platform)} has no provider; supported is linux`,
    {
      metadata: { operation: "getOSProvider", needs: "linux" },
      remedy: "run the daemon on Linux",
    },
  );
}
