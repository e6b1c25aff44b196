import type { RequirementId } from "../../../requirements/requirements.js";
import { type ConditionFamily, condition } from "../condition.js";
import type { Form, WireField } from "../form.js";
import type { Target } from "../occasion.js";

const CALLS: readonly Target[] = ["send", "retry", "sync", "refusal"];
/** Also a Watch, and a call that is refused for its credential: conditions on headers. */
const HEADERS: readonly Target[] = [...CALLS, "wake", "revoked"];

const BODY = { proto: "HTTP-BINARY", json: "HTTP-JSON" } as const;

const form =
  (
    targets: readonly Target[],
    about: string,
    requirement: RequirementId | undefined,
    matches: (form: Form) => boolean,
  ) =>
  (): ReturnType<ConditionFamily> =>
    condition("form", targets, about, (it) => it.form !== undefined && matches(it.form), requirement);

const spelt = (name: string, about: string, isSo: (spelling: string) => boolean) =>
  form(HEADERS, `the name of the header ${name} is ${about}`, "HTTP-HEADERS", ({ headers }) =>
    headers.some(([it]) => it.toLowerCase() === name && isSo(it)),
  );

const isCapitals = (name: string) => name === name.toUpperCase();
const isMixed = (name: string) =>
  !isCapitals(name) && name.replace(/(^|-)[a-z]/g, (it) => it.toUpperCase()) !== name && name !== name.toLowerCase();

/** Number of the highest field of each request. */
const HIGHEST: Readonly<Record<string, number>> = { Send: 3, Sync: 3 };
const isUnknown = (it: Form, { number }: WireField) => number > (HIGHEST[it.rpc] ?? 0);

const proto = (
  about: string,
  requirement: RequirementId,
  matches: (fields: readonly WireField[], form: Form) => boolean,
) => form(CALLS, about, requirement, (it) => it.codec === "proto" && matches(it.fields, it));
const json = (about: string, requirement: RequirementId, pattern: RegExp, targets: readonly Target[] = CALLS) =>
  form(targets, about, requirement, ({ json: text }) => text !== "" && pattern.test(text));
/** Forms of members that only one of the RPCs has. */
const SENDS: readonly Target[] = ["send", "retry"];
const SYNCS: readonly Target[] = ["sync"];
const extra = (name: string) =>
  form(HEADERS, `the request has the header ${name}`, "HTTP-HEADERS", (it) => it.header(name) !== undefined);

/** Forms of a request that the specification makes equivalent to any other. */
export const forms: readonly ConditionFamily[] = [
  spelt("authorization", "in capitals", isCapitals),
  spelt("authorization", "in a mixture of cases", isMixed),
  spelt("content-type", "in capitals", isCapitals),
  spelt("content-length", "in a mixture of cases", isMixed),
  ...["cookie", "origin", "traceparent", "accept-language", "referer", "x-request-id", "cache-control"].map(extra),
  form(HEADERS, "User-Agent names a browser", "HTTP-HEADERS", (it) => /mozilla/i.test(it.header("user-agent") ?? "")),
  form(HEADERS, "Authorization comes after Content-Type", "HTTP-HEADERS", ({ headers }) => {
    const names = headers.map(([name]) => name.toLowerCase());
    const at = names.indexOf("content-type");
    return at >= 0 && names.indexOf("authorization") > at;
  }),
  form(HEADERS, "the scheme is written otherwise than Bearer", "AUTH-SCHEME", (it) =>
    /^(?!Bearer )bearer /i.test(it.header("authorization") ?? ""),
  ),
  form(CALLS, "the media type has a parameter or a capital", "HTTP-TYPE-PARAMETERS", (it) =>
    /[A-Z;]/.test(it.header("content-type") ?? ""),
  ),
  form(CALLS, "the body is chunked", "HTTP-CHUNKED", (it) => it.header("transfer-encoding") !== undefined),
  ...(["proto", "json"] as const).map((codec) =>
    form(
      CALLS,
      `the body comes in another packet than the headers, in ${codec}`,
      BODY[codec],
      (it) => it.codec === codec && it.isBodyApart,
    ),
  ),
  (draw) => {
    const [codec, pieces] = [draw.pick(["proto", "json"] as const), draw.integer(2, 8)];
    const matches = (it: Form) => it.codec === codec && it.pieces >= pieces;
    return form(CALLS, `the body comes in ${pieces} packets or more, in ${codec}`, BODY[codec], matches)();
  },
  form(CALLS, "another account has used the connection before", undefined, (it) =>
    [...it.connection.credentials].some((other) => other !== "" && other !== it.header("authorization")),
  ),
  form(CALLS, "the call is the first on its connection", undefined, ({ connection }) => connection.calls === 0),
  proto("the fields are not in ascending order", "HTTP-BINARY", (fields) =>
    fields.some(({ number }, at) => number < (fields[at - 1]?.number ?? 0)),
  ),
  ...([0, 1, 2, 5] as const).map((type) =>
    proto(`there is an unknown field of wire type ${type}`, "HTTP-UNKNOWN-FIELDS", (fields, it) =>
      fields.some((field) => isUnknown(it, field) && field.wireType === type),
    ),
  ),
  proto(
    "the first field is unknown",
    "HTTP-UNKNOWN-FIELDS",
    ([first], it) => first !== undefined && isUnknown(it, first),
  ),
  proto(
    "there are two unknown fields or more",
    "HTTP-UNKNOWN-FIELDS",
    (fields, it) => fields.filter((field) => isUnknown(it, field)).length > 1,
  ),
  proto("a tag, length or number is longer than needed", "HTTP-BINARY", (fields) =>
    fields.some(({ isLong }) => isLong),
  ),
  proto("a field occurs twice", "HTTP-BINARY", (fields, it) => {
    const known = fields.filter((field) => !isUnknown(it, field)).map(({ number }) => number);
    return new Set(known).size < known.length;
  }),
  json("a string has an escape of four digits", "HTTP-JSON", /\\u[0-9a-f]{4}/i),
  json("a slash is escaped", "HTTP-JSON", /\\\//),
  json("there is a newline between the tokens", "HTTP-JSON", /[,{]\s*\n/),
  json("there is a tab between the tokens", "HTTP-JSON", /[,{]\s*\t/),
  json(
    "a member name has the form of the proto file",
    "HTTP-JSON",
    /"(recipient_id|client_message_id|cli_seq|page_size)"\s*:/,
  ),
  json("a number is a string", "HTTP-JSON-NUMBERS", /"(cliSeq|cli_seq|pageSize|page_size)"\s*:\s*"/, SYNCS),
  json("the payload is in the URL-safe alphabet", "HTTP-JSON", /"payload"\s*:\s*"[^"]*[-_][^"]*"/, SENDS),
  json("the payload has no padding", "HTTP-JSON", /"payload"\s*:\s*"(?:[^"=]{4})*[^"=]{2,3}"/, SENDS),
  json("a member is null", "HTTP-JSON", /:\s*null\b/),
  json("an unknown member is an object or an array", "HTTP-JSON-UNKNOWN", /:\s*[[{]/),
  json("payload comes before recipientId", "HTTP-JSON", /"payload"[\s\S]*"recipient(Id|_id)"/, SENDS),
  json("epoch comes before cliSeq", "HTTP-JSON", /"epoch"[\s\S]*"cli(Seq|_seq)"/, SYNCS),
];
