// Whether a hello can be taken. Ten thousand daemons may come at once, so the rules of the schema are checked by hand first; only a
// hello that does not plainly pass goes to the interpreter of the rules, whose verdict and words count.
import type { HostFacts } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { type Hello, HelloSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { validate } from "../shared/validation.js";
import { protocolVersion } from "../shared/version.js";

/** Throws VERSION_UNSUPPORTED or INVALID_ARGUMENT; gives the host's facts. */
export function checkHello(hello: Hello): HostFacts {
  if (hello.protocolVersion > protocolVersion) throw newerProtocol(hello);
  if (!isPlainlyValid(hello)) validate(HelloSchema, hello);
  // Required by the schema.
  return hello.facts as HostFacts;
}

const hostId = /^[0-9a-f]{32}$/;
const hostName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;
const labelKey = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;
const shortestLimit = 32;

/** True only for what the rules of the schema allow; they allow more. */
export function isPlainlyValid({ protocolVersion, facts }: Hello): boolean {
  if (protocolVersion === 0 || !facts) return false;
  const texts = [facts.os, facts.distro, facts.distroVersion, facts.arch, facts.daemonVersion];
  const labels = Object.entries(facts.labels);
  return (
    hostId.test(facts.hostId) &&
    hostName.test(facts.name) &&
    [...texts, ...facts.distroLike, ...facts.capabilities].every((text) => text.length <= shortestLimit) &&
    facts.kernel.length <= 128 &&
    facts.distroLike.length <= 8 &&
    facts.capabilities.length <= 64 &&
    labels.length <= 64 &&
    labels.every(([key, value]) => labelKey.test(key) && value.length <= 255)
  );
}

function newerProtocol(hello: Hello) {
  return failure(
    ErrorReason.VERSION_UNSUPPORTED,
    `the daemon speaks protocol version ${hello.protocolVersion}, this relay speaks up to ${protocolVersion}`,
    {
      metadata: { theirs: String(hello.protocolVersion), ours: String(protocolVersion) },
      remedy: "update relays before daemons",
    },
  );
}
