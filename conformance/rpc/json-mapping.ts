import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import type { ViolationDetail } from "../findings.js";

/** A violation of the JSON mapping. Its message completes "the response …". */
type JsonViolation = ViolationDetail & { requirement: "HTTP-JSON" | "HTTP-JSON-NUMBERS" };

/** Maximum length of a quoted value, in characters. */
const MAX_QUOTE = 80;

/** Form of a duration in JSON. The library accepts any number of digits. */
const DURATION = /^\d+(\.(\d{3}|\d{6}|\d{9}))?s$/;

/**
 * Finds where the JSON of a response is not in the form that the mapping demands of a writer. The decoder is more
 * tolerant, as the mapping demands of a reader: it takes numbers in strings, `null`, and base64 of any alphabet.
 */
export function jsonViolation(schema: DescMessage, json: Readonly<Record<string, unknown>>): JsonViolation | undefined {
  for (const field of schema.fields) {
    for (const name of new Set([field.jsonName, field.name])) {
      if (!Object.hasOwn(json, name)) continue;
      const violation = fieldViolation(field, name, json[name]);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

function fieldViolation(field: DescField, name: string, value: unknown): JsonViolation | undefined {
  if (value === null)
    return wrong("HTTP-JSON", `has ${name}: null`, `${name}: a value, or no such member`, value, name);
  if (field.fieldKind !== "list") return valueViolation(field, name, value);
  if (!Array.isArray(value)) return undefined; // its decoder refuses it
  for (const item of value as unknown[]) {
    const violation = valueViolation(field, name, item);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function valueViolation(field: DescField, name: string, value: unknown): JsonViolation | undefined {
  if (field.scalar === ScalarType.UINT32 && typeof value === "string")
    return wrong("HTTP-JSON-NUMBERS", `has ${name} as a string`, `${name}: a number`, value, name);
  if (field.scalar === ScalarType.BYTES && typeof value === "string" && !isBase64(value))
    return wrong("HTTP-JSON", `has ${name} in another form of base64`, `${name}: base64 with padding`, value, name);
  if (field.enum !== undefined && typeof value === "number" && field.enum.value[value] !== undefined) {
    const expected = `${name}: "${field.enum.value[value].name}"`;
    return wrong("HTTP-JSON", `has an element of ${name} as a number`, expected, value, name);
  }
  if (field.message === undefined) return undefined;
  if (field.message.typeName === "google.protobuf.Duration" && typeof value === "string" && !DURATION.test(value))
    return wrong(
      "HTTP-JSON",
      `has ${name} in another form of a duration`,
      `${name}: seconds with 0, 3, 6 or 9 fractional digits, and s`,
      value,
      name,
    );
  if (typeof value !== "object" || value === null || field.message.typeName.startsWith("google.")) return undefined;
  return jsonViolation(field.message, value as Record<string, unknown>);
}

/** Whether a text is base64 as an encoder writes it: of the standard alphabet, with padding and no other characters. */
const isBase64 = (text: string) => Buffer.from(text, "base64").toString("base64") === text;

function wrong(
  requirement: JsonViolation["requirement"],
  message: string,
  expected: string,
  value: unknown,
  name: string,
): JsonViolation {
  const text = JSON.stringify(value);
  const quoted = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}… (${text.length} characters)` : text;
  return { requirement, message, expected, actual: `${name}: ${quoted}` };
}
