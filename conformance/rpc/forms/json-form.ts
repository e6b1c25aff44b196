import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { integer, pick, shuffled } from "../../random.js";
import type { FormChoice } from "./aspects.js";
import { escapedString } from "./json-escapes.js";
import { unknownMembers } from "./unknown-members.js";

/** A member of the request: with its field, or unknown. */
interface Member {
  name: string;
  value: unknown;
  field?: DescField;
}

/** Writes a string as JSON. */
type WriteString = (text: string) => string;

/**
 * Returns another JSON text of the same request, by the chapter "JSON mapping" of the HTTP binding. `text` is the
 * canonical JSON of a message of this type, whose fields are all scalar. The result is about 16 KiB longer at most.
 */
export function varyJson(schema: DescMessage, text: string, choice: FormChoice): string {
  let members = parseMembers(schema, text);
  if (choice.applies("defaults")) members = withDefaults(schema, members, choice.random("defaults"));
  if (choice.applies("base64")) members = withOtherBase64(members, choice.random("base64"));
  if (choice.applies("number-strings")) members = withNumberStrings(members, choice.random("number-strings"));
  if (choice.applies("member-names")) members = withProtoNames(members, choice.random("member-names"));
  if (choice.applies("member-order")) members = shuffled(choice.random("member-order"), members);
  if (choice.applies("unknown-members")) members = withUnknown(schema, members, choice.random("unknown-members"));
  const tokens = [...objectTokens(members, stringWriter(choice))];
  return choice.applies("white-space") ? spaced(tokens, choice.random("white-space")) : tokens.join("");
}

function parseMembers(schema: DescMessage, text: string): Member[] {
  const object = JSON.parse(text) as Record<string, unknown>;
  return Object.entries(object).map(([name, value]) => {
    const field = schema.fields.find(({ jsonName }) => jsonName === name);
    return field === undefined ? { name, value } : { name, value, field };
  });
}

/** Writes out some of the fields that have their default value, at least one: as the value, or as null. */
function withDefaults(schema: DescMessage, members: readonly Member[], random: () => number): Member[] {
  const missing = schema.fields.filter((field) => !members.some((it) => it.field === field));
  const chosen = shuffled(random, missing).slice(0, integer(random, 1, Math.max(1, missing.length)));
  const added = chosen.map((field) => ({
    name: field.jsonName,
    value: pick(random, [null, field.scalar === ScalarType.UINT32 ? 0 : ""]),
    field,
  }));
  return [...members, ...added];
}

/** Changes the alphabet of base64, or leaves the padding out, or both. */
const withOtherBase64 = (members: readonly Member[], random: () => number) =>
  members.map((member) => {
    const { field, value } = member;
    if (field?.scalar !== ScalarType.BYTES || typeof value !== "string") return member;
    const [isUrlSafe, isPadded] = pick(random, [
      [true, false],
      [true, true],
      [false, false],
    ] as const);
    const text = isUrlSafe ? value.replaceAll("+", "-").replaceAll("/", "_") : value;
    return { ...member, value: isPadded ? text : text.replace(/=+$/, "") };
  });

const withNumberStrings = (members: readonly Member[], random: () => number) =>
  members.map((member) =>
    typeof member.value === "number" && random() < 0.7 ? { ...member, value: String(member.value) } : member,
  );

const withProtoNames = (members: readonly Member[], random: () => number) =>
  members.map((member) =>
    member.field !== undefined && random() < 0.7 ? { ...member, name: member.field.name } : member,
  );

/** Inserts unknown members at any places. */
function withUnknown(schema: DescMessage, members: readonly Member[], random: () => number): Member[] {
  const result = [...members];
  for (const member of unknownMembers(schema, random)) result.splice(integer(random, 0, result.length), 0, member);
  return result;
}

function stringWriter(choice: FormChoice): WriteString {
  if (!choice.applies("escapes")) return JSON.stringify;
  const random = choice.random("escapes");
  return (text) => escapedString(text, random);
}

function* objectTokens(members: Iterable<Member>, write: WriteString): Generator<string> {
  yield "{";
  let isFirst = true;
  for (const { name, value } of members) {
    if (!isFirst) yield ",";
    isFirst = false;
    yield write(name);
    yield ":";
    yield* valueTokens(value, write);
  }
  yield "}";
}

function* valueTokens(value: unknown, write: WriteString): Generator<string> {
  if (typeof value === "string") yield write(value);
  else if (Array.isArray(value)) {
    yield "[";
    for (const [index, element] of value.entries()) {
      if (index > 0) yield ",";
      yield* valueTokens(element, write);
    }
    yield "]";
  } else if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, inner]) => ({ name, value: inner }));
    yield* objectTokens(members, write);
  } else yield JSON.stringify(value);
}

/** Joins tokens with white space between some of them, and around all. */
function spaced(tokens: readonly string[], random: () => number): string {
  const share = pick(random, [0.2, 1]);
  const space = () => {
    if (random() >= share) return "";
    const length = pick(random, [1, 1, 2, integer(random, 1, 20)]);
    return Array.from({ length }, () => pick(random, [" ", " ", "\t", "\n", "\r"])).join("");
  };
  return [space(), ...tokens.flatMap((token) => [token, space()])].join("");
}
