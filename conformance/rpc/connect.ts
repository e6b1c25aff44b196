import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { type ErrorDetail, ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../findings.js";
import { timestampProblem } from "../history/times.js";
import type { HttpResponse } from "../transport/messages.js";
import { FloodError, refuseFlood, refuseLongTexts } from "./flood.js";
import type { CallResult, FormRequirement, Refusal } from "./result.js";

/** Encoding of messages. */
export type Codec = "proto" | "json";

/** HTTP status of each Connect code. */
export const STATUS_OF: Readonly<Record<string, number>> = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

/** Connect code of each reason (spec, "Errors"). */
export const CODE_OF: Readonly<Partial<Record<Reason, string>>> = {
  [Reason.CREDENTIAL_INVALID]: "unauthenticated",
  [Reason.MALFORMED]: "invalid_argument",
  [Reason.CLIENT_MESSAGE_ID_INVALID]: "invalid_argument",
  [Reason.PAYLOAD_TOO_LARGE]: "invalid_argument",
  [Reason.RECIPIENT_UNKNOWN]: "not_found",
  [Reason.CLIENT_MESSAGE_ID_REUSED]: "already_exists",
  [Reason.SEQ_EXHAUSTED]: "resource_exhausted",
  [Reason.BACKLOG_FULL]: "resource_exhausted",
  [Reason.EPOCH_MISMATCH]: "failed_precondition",
  [Reason.CLI_SEQ_AHEAD]: "out_of_range",
};

/** Encodes a request. Throws Inconclusive if a number that the server has sent leaves no room for the next one. */
export function encode<T extends DescMessage>(codec: Codec, schema: T, message: MessageInitShape<T>): Uint8Array {
  const complete = create(schema, message);
  try {
    return codec === "proto" ? toBinary(schema, complete) : Buffer.from(toJsonString(schema, complete));
  } catch (error) {
    const [, number] = /invalid uint32: (\d+)$/.exec((error as Error).message) ?? [];
    if (number === undefined) throw error;
    throw new Inconclusive(`the case needs the number ${number}, which is more than 2^32-1`, ReasonCode.SERVER_LIMIT);
  }
}

/** Parses a JSON object; returns undefined for any other text. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function decode<T extends DescMessage>(codec: Codec, schema: T, body: Uint8Array): MessageShape<T> {
  if (codec === "proto") {
    refuseFlood(body, "proto");
    // Unknown fields are skipped: a response may hold millions of them.
    const message = fromBinary(schema, body, { readUnknownFields: false });
    refuseLongTexts(message);
    checkTimestamps(message);
    return message;
  }
  refuseFlood(body, "json");
  const json = JSON.parse(Buffer.from(body).toString("utf8"));
  checkTimes(json);
  const message = fromJson(schema, json, { ignoreUnknownFields: true });
  refuseLongTexts(message);
  return message;
}

/** Throws if a time in a response, or in one of its messages, is out of range: it would have no JSON form. */
function checkTimestamps(message: object): void {
  const { acceptedAt, messages = [] } = message as { acceptedAt?: Timestamp; messages?: readonly object[] };
  const problem = acceptedAt === undefined ? undefined : timestampProblem(acceptedAt);
  if (problem !== undefined) throw new Error(`accepted_at is ${problem}`);
  for (const one of messages) checkTimestamps(one);
}

/** Form of a time in JSON. The library accepts any number of digits. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z$/;

/** Throws if a time in a response, or in one of its messages, is not in the form of the JSON mapping. */
function checkTimes(json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  const { acceptedAt, accepted_at: time = acceptedAt, messages } = json as Record<string, unknown>;
  if (typeof time === "string" && !TIME.test(time))
    throw new Error(`a time must be in UTC with Z, and have 0, 3, 6 or 9 fractional digits: ${time}`);
  if (Array.isArray(messages)) messages.forEach(checkTimes);
}

/** Interprets the response of a unary call. */
export function interpret<T extends DescMessage>(
  codec: Codec,
  schema: T,
  response: HttpResponse,
): CallResult<MessageShape<T>> {
  const type = mediaType(response.headers["content-type"]);
  const requirement = codec === "proto" ? "HTTP-BINARY" : "HTTP-JSON";
  const { status } = response;
  if (status > 200 && status < 300)
    return malformed(requirement, `a success has HTTP status ${status}`, "HTTP 200", `HTTP ${status}`);
  if (status !== 200) return interpretError(response, type);
  if (type !== `application/${codec}`) {
    return malformed(
      "HTTP-ANSWER-TYPE",
      `a response has another media type than its request`,
      `media type: application/${codec}`,
      `media type: ${type || "absent"}`,
    );
  }
  try {
    return { kind: "response", value: decode(codec, schema, response.body) };
  } catch (error) {
    const result = malformed(
      requirement,
      "the body of a response does not decode",
      `body: a ${schema.name} in ${codec === "proto" ? "binary protobuf" : "JSON"}`,
      `body: ${response.body.length} B; ${(error as Error).message}`,
    );
    return error instanceof FloodError ? { ...result, isFlood: true } : result;
  }
}

/** The start of a Connect error, even of one that does not parse. */
const LOOKS_LIKE_ERROR = /^\s*\{\s*"(?:code|message|details)"/;

function interpretError({ status, body }: HttpResponse, type: string): CallResult<never> {
  const parsed = type === "application/json" ? parseError(status, Buffer.from(body).toString("utf8")) : undefined;
  if (parsed === undefined) {
    // A proxy in front of the server returns plain HTTP errors.
    if (isRetryableStatus(status)) return { kind: "retryable", why: `HTTP ${status}` };
    // An error of the server's own that is not well-formed is no missing RPC.
    if (status === 404 && !(type === "application/json" && LOOKS_LIKE_ERROR.test(Buffer.from(body).toString("utf8"))))
      return malformed(
        "HTTP-PATH",
        "there is no such RPC at this URL",
        "a response of the RPC",
        "HTTP 404 without a Connect error",
      );
    return malformed(
      "ERR-SHAPE",
      "an error is not a Connect error",
      "content type application/json, and a JSON object with a code",
      `content type: ${type || "absent"}, with HTTP ${status}; body: ${excerpt(body)}`,
    );
  }
  if (!isRetryable(parsed) && STATUS_OF[parsed.code] !== status) {
    return malformed(
      "ERR-SHAPE",
      STATUS_OF[parsed.code] === undefined
        ? `the error code "${parsed.code}" is none that Connect defines`
        : `the error code ${parsed.code} has the wrong HTTP status`,
      STATUS_OF[parsed.code] === undefined ? "code: one that Connect defines" : `HTTP ${STATUS_OF[parsed.code]}`,
      STATUS_OF[parsed.code] === undefined ? `code: "${parsed.code}"` : `HTTP ${status}`,
    );
  }
  return resultOfError(parsed);
}

/** Classifies a Connect error. */
export function resultOfError(refusal: Refusal): Extract<CallResult<never>, { kind: "refusal" | "retryable" }> {
  if (!isRetryable(refusal)) return { kind: "refusal", refusal };
  return { kind: "retryable", why: refusal.code || `HTTP ${refusal.status}`, refusal };
}

/** Whether a proxy or a rate limiter returns this status, without a Connect error, to make the client retry. */
export const isRetryableStatus = (status: number) => [408, 429, 502, 503, 504].includes(status);

/**
 * Whether an error is retryable: `unavailable`, `deadline_exceeded`, `resource_exhausted` without a reason (a rate
 * limit), or no code and a retryable HTTP status.
 */
function isRetryable({ code, reason, status }: Refusal): boolean {
  return (
    (code === "" && isRetryableStatus(status)) ||
    code === "unavailable" ||
    code === "deadline_exceeded" ||
    (code === "resource_exhausted" && reason === Reason.UNSPECIFIED)
  );
}

/** Parses a Connect error. Returns undefined for any other text. */
export function parseError(status: number, text: string): Refusal | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { code, details } = (json ?? {}) as { code?: unknown; details?: unknown };
  if (typeof code !== "string") return undefined;
  const detail = Array.isArray(details) ? findDetail(details) : undefined;
  return { status, code, reason: detail?.reason ?? Reason.UNSPECIFIED, detail, text };
}

/** Finds the ErrorDetail. A proxy or a framework may have put other details in front of it. */
function findDetail(details: unknown[]): ErrorDetail | undefined {
  for (const entry of details) {
    const { type, value } = (entry ?? {}) as { type?: unknown; value?: unknown };
    if (typeof type !== "string" || typeof value !== "string") continue;
    if (type.split("/").at(-1) !== ErrorDetailSchema.typeName) continue;
    try {
      return fromBinary(ErrorDetailSchema, base64Decode(value));
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** The media type without its parameters, in lower case. */
export const mediaType = (header: string | undefined) => header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";

function malformed(
  requirement: FormRequirement,
  why: string,
  expected?: string,
  actual?: string,
): Extract<CallResult<never>, { kind: "malformed" }> {
  return { kind: "malformed", requirement, why, ...(expected && { expected }), ...(actual && { actual }) };
}

/** The start of a body, for people. */
function excerpt(body: Uint8Array): string {
  const text = Buffer.from(body.subarray(0, 60)).toString("utf8").trim();
  return text === "" ? "empty" : `"${text}${body.length > 60 ? "…" : ""}"`;
}

/** Describes a refusal in a few words. */
export function describeRefusal({ code, reason, status }: Pick<Refusal, "code" | "reason" | "status">): string {
  const name = reason === Reason.UNSPECIFIED ? "without a reason" : Reason[reason];
  return `refused ${code === "" ? "without a Connect code" : `with ${code} ${name}`} (HTTP ${status})`;
}
