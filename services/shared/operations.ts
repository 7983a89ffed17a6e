// Everything that can run on a host, read from the descriptors of TelemetryService and MutationService. Nothing else
// in the product lists operations.
import { type DescMethod, type DescMethodUnary, type DescService, getOption, type Message } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { MutationService } from "../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { type Operation as OperationOption, operation, Risk } from "../gen/systemsmanager/options/v1/options_pb.js";
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "./errors.js";
import { nearest } from "./nearest.js";

/** Services whose methods run on hosts. */
export const hostServices: readonly DescService[] = [TelemetryService, MutationService];

/** One method that can run on hosts. */
export interface Operation {
  /** "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot". */
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly risk: Risk;
  readonly defaultTimeoutMs: number;
  readonly option: OperationOption;
  /** True when it can change the host; its request then has a bool field dry_run. */
  readonly mutates: boolean;
}

/** All operations by name. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  hostServices.flatMap((service) => service.methods.map((method) => [operationName(method), describe(method)])),
);

/** Name of a method on the wire, without the leading slash. */
export function operationName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** The operation of this name. Throws UNKNOWN_OPERATION with the nearest names. */
export function findOperation(name: string): Operation {
  const found = operations.get(name);
  if (found) return found;
  const candidates = nearest(name, [...operations.keys()]);
  throw failure(ErrorReason.UNKNOWN_OPERATION, `no operation is named ${JSON.stringify(name)}`, {
    metadata: { method: name, nearest: candidates.join(",") },
    remedy: `use one of ${candidates.join(", ")}`,
  });
}

/** True when this request of a mutating operation asks what would change. */
export function isDryRun(request: Message): boolean {
  return (request as Message & { dryRun?: boolean }).dryRun === true;
}

function describe(method: DescMethod): Operation {
  const name = operationName(method);
  const option = getOption(method, operation);
  if (method.methodKind !== "unary" || option.risk === Risk.UNSPECIFIED || !option.defaultTimeout) {
    throw new Error(`${name} lacks the operation option, its risk or its default_timeout in the proto`);
  }
  const mutates = option.risk >= Risk.REVERSIBLE;
  if (mutates && method.input.field.dryRun?.scalar === undefined) throw new Error(`${name} mutates and has no dry_run`);
  return {
    name,
    method: method as DescMethodUnary,
    risk: option.risk,
    defaultTimeoutMs: durationMs(option.defaultTimeout),
    option,
    mutates,
  };
}
