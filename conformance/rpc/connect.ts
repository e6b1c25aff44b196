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
import { type ErrorDetail, ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { HttpResponse } from "../transport/messages.js";

/** The two encodings of messages. */
export type Codec = "proto" | "json";

/** Connect codes and their HTTP statuses. */
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

/** The code that belongs to each reason (spec, "Errors"). */
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

/** A definite refusal, as far as programs look at it. */
export interface Refusal {
  status: number;
  code: string;
  reason: Reason;
  detail: ErrorDetail | undefined;
  /** The error's JSON as it came. */
  text: string;
}

/** How one exchange ended, and what of its form is not as the binding wants it. */
export type AttemptResult<T> =
  | { kind: "response"; value: T }
  | { kind: "refusal"; refusal: Refusal }
  /** The server asks to try again, or a proxy could not reach it: the outcome is unknown. */
  | { kind: "retryable"; why: string }
  /** The answer is not of the protocol; `requirement` says which rule it breaks. */
  | { kind: "malformed"; requirement: FormRequirement; why: string };

export type FormRequirement =
  | "HTTP-ANSWER-TYPE"
  | "HTTP-BINARY"
  | "HTTP-JSON"
  | "ERR-SHAPE"
  | "HTTP-STREAM"
  | "HTTP-PATH";

export function encode<T extends DescMessage>(codec: Codec, schema: T, message: MessageInitShape<T>): Uint8Array {
  const whole = create(schema, message);
  return codec === "proto" ? toBinary(schema, whole) : Buffer.from(toJsonString(schema, whole));
}

export function decode<T extends DescMessage>(codec: Codec, schema: T, body: Uint8Array): MessageShape<T> {
  if (codec === "proto") return fromBinary(schema, body);
  const json = JSON.parse(Buffer.from(body).toString("utf8"));
  checkTimes(json);
  return fromJson(schema, json, { ignoreUnknownFields: true });
}

/** A time as it is written; readers take it with any number of digits. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z$/;

/** Throws if a time of an answer is not in the form of the mapping: of itself, or of the messages in it. */
function checkTimes(json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  const { acceptedAt, accepted_at: time = acceptedAt, messages } = json as Record<string, unknown>;
  if (typeof time === "string" && !TIME.test(time))
    throw new Error(`a time is in UTC with Z, and with no, 3, 6 or 9 digits of a fraction; ${time} is not`);
  if (Array.isArray(messages)) messages.forEach(checkTimes);
}

/** Reads the answer of a unary call. */
export function interpret<T extends DescMessage>(
  codec: Codec,
  schema: T,
  answer: HttpResponse,
): AttemptResult<MessageShape<T>> {
  const type = mediaType(answer.headers["content-type"]);
  const rule = codec === "proto" ? "HTTP-BINARY" : "HTTP-JSON";
  if (answer.status > 200 && answer.status < 300)
    return malformed(rule, `HTTP ${answer.status} for a success; it wants 200`);
  if (answer.status !== 200) return interpretError(answer, type);
  if (type !== `application/${codec}`) {
    return malformed("HTTP-ANSWER-TYPE", `status 200 with content type "${type}" to a request in application/${codec}`);
  }
  try {
    return { kind: "response", value: decode(codec, schema, answer.body) };
  } catch (error) {
    return malformed(rule, `the answer does not decode as ${schema.typeName}: ${(error as Error).message}`);
  }
}

function interpretError(answer: HttpResponse, type: string): AttemptResult<never> {
  const parsed =
    type === "application/json" ? parseError(answer.status, Buffer.from(answer.body).toString("utf8")) : undefined;
  if (parsed === undefined) {
    // What stands in front of a server speaks plain HTTP.
    if (isRetryableStatus(answer.status)) return { kind: "retryable", why: `HTTP ${answer.status}` };
    if (answer.status === 404) return malformed("HTTP-PATH", "HTTP 404: there is no such RPC at this URL");
    return malformed("ERR-SHAPE", `HTTP ${answer.status} with content type "${type}" and no Connect error in the body`);
  }
  if (isRetryable(parsed)) return { kind: "retryable", why: parsed.code };
  if (STATUS_OF[parsed.code] !== answer.status) {
    return malformed(
      "ERR-SHAPE",
      `code "${parsed.code}" with HTTP ${answer.status}; it wants ${STATUS_OF[parsed.code] ?? "a code that Connect has"}`,
    );
  }
  return { kind: "refusal", refusal: parsed };
}

/** What proxies and rate limiters answer without a Connect error, for the client to try again. */
export const isRetryableStatus = (status: number) => [429, 502, 503, 504].includes(status);

/** `unavailable`, `deadline_exceeded` and a rate limit are no verdict on the request, with a Connect error or without. */
export function isRetryable({ code, reason, status }: Refusal): boolean {
  return (
    (code === "" && isRetryableStatus(status)) ||
    code === "unavailable" ||
    code === "deadline_exceeded" ||
    (code === "resource_exhausted" && reason === Reason.UNSPECIFIED)
  );
}

/** Reads a Connect error from JSON. Undefined if it is none. */
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

/** Ours may stand behind others that a proxy or a framework has put there. */
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

function malformed(requirement: FormRequirement, why: string): AttemptResult<never> {
  return { kind: "malformed", requirement, why };
}

/** Says a refusal in a few words, for people. */
export function describeRefusal({ code, reason, status }: Pick<Refusal, "code" | "reason" | "status">): string {
  return `refused with ${code}${reason === Reason.UNSPECIFIED ? " without a reason" : ` ${Reason[reason]}`} (HTTP ${status})`;
}
