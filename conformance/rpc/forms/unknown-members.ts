import type { DescMessage } from "@bufbuild/protobuf";
import { integer, pick, shuffled } from "../../random.js";

/** Names that no message has. */
const NAMES = ["x", "", "trace", "client-version", "naïve 😀", "constructor", "__proto__", "0", "a.b", "null", "$type"];

/** Values without a number that exceeds a double, and without an unpaired surrogate. */
const SCALARS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  200,
  1.5,
  -2.5e-7,
  4294967296,
  2 ** 53,
  1e300,
  "",
  "text",
  'a "quoted" \\ text / with\nlines\u0000',
  "null",
  "{}",
  "日本語 😀",
];

/** Deepest nesting of arrays and objects. */
const MAX_DEPTH = 4;

/** Makes one to four members that a message does not have. Their names differ. */
export function unknownMembers(schema: DescMessage, random: () => number): { name: string; value: unknown }[] {
  // A name in lower case is that of no field: names are compared with case.
  const similar = schema.fields.flatMap(({ name, jsonName }) => [jsonName.toLowerCase(), name.toUpperCase()]);
  const known = new Set(schema.fields.flatMap(({ name, jsonName }) => [name, jsonName]));
  const names = [...new Set([...NAMES, ...similar])].filter((name) => !known.has(name));
  const chosen = shuffled(random, names).slice(0, integer(random, 1, 4));
  return chosen.map((name) => ({ name, value: anyValue(random, schema, 0) }));
}

function anyValue(random: () => number, schema: DescMessage, depth: number): unknown {
  const kind = depth === MAX_DEPTH ? 1 : random();
  if (kind >= 0.4) return pick(random, SCALARS);
  const values = Array.from({ length: integer(random, 0, 3) }, () => anyValue(random, schema, depth + 1));
  if (kind < 0.2) return values;
  // Members of other objects may have the names of fields.
  const names = shuffled(random, ["a", "b", "", ...schema.fields.map(({ jsonName }) => jsonName)]);
  return Object.fromEntries(values.map((value, index) => [names[index] ?? `c${index}`, value]));
}
