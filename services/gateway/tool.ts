// What a tool is: one declarative value. Files in tools/ hold one each; the functions here and in operation-tool.ts
// help to make them.
import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type {
  CallToolResult,
  ClientCapabilities,
  InputRequiredResult,
  JSONObject,
  ServerContext,
  Tool as ToolDefinition,
} from "@modelcontextprotocol/server";
import type { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { Arguments } from "./schema/decode-arguments.js";
import { isRequired, type PropertySchema, propertySchema } from "./schema/json-schema.js";

/** The gateway's only way to the fleet. */
export type FleetClient = Client<typeof FleetService>;

/** One tool of the gateway. */
export interface Tool {
  readonly definition: ToolDefinition;
  /** Throws a ConnectError with an ErrorDetail; the caller makes a tool result of it. */
  call(given: Arguments, call: ToolCall): Promise<CallToolResult | InputRequiredResult>;
}

/** What a tool has at hand while it runs. */
export interface ToolCall {
  /** Calls in the principal's name. */
  readonly fleet: FleetClient;
  readonly context: ServerContext;
  readonly clientCapabilities: ClientCapabilities | undefined;
  /** Seals state for the next round of a confirmation, bound to the principal. */
  readonly sealState: (state: unknown) => Promise<string>;
}

/** Fields of a request that a tool shows, each with a description for the model or "" where the name says it all. */
export type ShownFields = Readonly<Record<string, string>>;

/** How hosts are chosen, in one line. */
export const selectorDescription = `"all", "web-1,web-2" or CEL "labels.role=='web'"`;

// A longer pattern costs more than the rare value that it would have kept from being sent.
const longestPattern = 40;

/** The descriptors of the shown fields. Throws when the proto has no such field. */
export function shownFields(schema: DescMessage, shown: ShownFields): DescField[] {
  return Object.keys(shown).map((name) => {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (!field) throw new Error(`${schema.typeName} has no field ${name}`);
    return field;
  });
}

/** The input schema of a tool that shows these fields, after the properties given first. */
export function inputSchema(
  first: Record<string, PropertySchema>,
  fields: readonly DescField[],
  shown: ShownFields,
): ToolDefinition["inputSchema"] {
  const properties: Record<string, PropertySchema> = { ...first };
  for (const field of fields) properties[field.name] = advertise(propertySchema(field), shown[field.name]);
  const required = [
    ...Object.keys(first).filter((name) => name === "selector"),
    ...fields.filter(isRequired).map(({ name }) => name),
  ];
  return {
    type: "object",
    properties: properties as unknown as JSONObject,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** What a model is shown of a property: every token counts, and what is left out here is checked all the same. */
function advertise(schema: PropertySchema, description: string | undefined): PropertySchema {
  const { maxLength: _characters, maxItems: _items, minimum, maximum, pattern, items, ...rest } = schema;
  return {
    ...rest,
    ...(minimum ? { minimum } : {}),
    ...(maximum && maximum < 10_000 ? { maximum } : {}),
    ...(pattern && pattern.length <= longestPattern ? { pattern } : {}),
    ...(items ? { items: advertise(items, undefined) } : {}),
    ...(description ? { description } : {}),
  };
}

/** Annotations of a tool that is one rpc of FleetService: a read when the rpc has no side effects, else the worst. */
export function annotationsOfRpc(method: DescMethod): ToolDefinition["annotations"] {
  if (method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return { readOnlyHint: true };
  return { readOnlyHint: false, destructiveHint: true, idempotentHint: false };
}
