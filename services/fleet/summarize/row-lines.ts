// The rows themselves, when there is a single answer: one machine was asked, or all say the same. There is then nothing to
// reduce, and what a person wants is the list.
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { Reduction, summary, varies } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { cleanMessage } from "../../shared/clean-message.js";
import { fieldOption } from "../../shared/field-option.js";
import { structureOf } from "../../shared/structure.js";
import { type Line, lineOf } from "./line.js";

const isVarying = fieldOption(varies);
const reductionsOf = fieldOption(summary);

// A row's own lists (open files, memory maps) are shown by their beginning; the whole answer can be opened.
const shownElements = 3;
const maxTextLength = 160;

/**
 * A line for each row of the lists that differ from host to host by nature: the others are told by their majority, and log lines by
 * their templates.
 */
export function rowLines(schema: DescMessage, message: Message): Line[] {
  const shown = schema.fields.filter(isShown);
  if (shown.length === 0) return [];
  const answer = reflect(schema, message);
  return shown.flatMap((field) => {
    const rows = [...answer.get(field)] as { desc: DescMessage; message: Message }[];
    return rows.map((row) => {
      const clean = cleanMessage(row.desc, row.message, maxTextLength);
      return lineOf(`${field.name}: ${showRow(structureOf(row.desc, clean))}`);
    });
  });
}

function isShown(field: DescField): field is DescField & { fieldKind: "list"; listKind: "message" } {
  if (field.fieldKind !== "list" || field.listKind !== "message" || !isVarying(field)) return false;
  return !field.message.fields.some((inner) => reductionsOf(inner).includes(Reduction.TEMPLATE));
}

function showRow(row: Record<string, unknown>): string {
  return Object.entries(row)
    .map(([name, value]) => `${name} ${JSON.stringify(shorten(value))}`)
    .join(", ");
}

function shorten(value: unknown): unknown {
  if (!Array.isArray(value) || value.length <= shownElements || value.every(isText)) return value;
  return [...value.slice(0, shownElements), `and ${value.length - shownElements} more`];
}

// Arguments and names are told whole.
function isText(value: unknown): boolean {
  return typeof value === "string";
}
