// --tls-cert and --tls-key, for every verb that listens.
import type { TlsIdentity } from "../shared/grpc-server.js";
import { readOptionFile } from "./option-file.js";

export interface TlsOptions {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Nothing when neither is given. INVALID_ARGUMENT when one is missing or cannot be read. */
export function tlsOf({ tlsCert, tlsKey }: TlsOptions): { tls?: TlsIdentity } {
  if (tlsCert === undefined && tlsKey === undefined) return {};
  return { tls: { cert: readOptionFile("--tls-cert", tlsCert), key: readOptionFile("--tls-key", tlsKey) } };
}
