/**
 * What every response must satisfy, whatever its request was about: these rules are checked on each exchange of each
 * case, not only in the cases about them.
 */
import { isUtf8 } from "node:buffer";
import type { DescMessage } from "@bufbuild/protobuf";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { HttpRequest, HttpResponse } from "../transport/messages.js";
import { CODE_OF, describeRefusal, jsonObject, mediaType, parseError, resultOfError, STATUS_OF } from "./connect.js";
import { jsonViolation } from "./json-mapping.js";
import type { Refusal } from "./result.js";

/** Maximum length of a body whose JSON is judged, in bytes. */
const MAX_JUDGED_BYTES = 1 << 18;

/** A request, as far as it determines what its response may be. */
export type SentRequest = Pick<HttpRequest, "method" | "path" | "headers">;

/** Returns the violations of a response to a unary call. */
export function judgeResponse(request: SentRequest, response: HttpResponse): ViolationDetail[] {
  const { method = "POST", path } = request;
  const rpc = method === "POST" ? rpcAt(path) : undefined;
  if (rpc === undefined) return [];
  const error = connectErrorOf(response);
  const violations = [
    judgeEncoding(rpc.name, request, response),
    rpc.isWrite ? judgeNoStore(rpc.name, response, error) : undefined,
    error === undefined ? judgeJson(rpc.name, rpc.output, response) : undefined,
    ...(error === undefined ? [] : judgeError(rpc.name, error)),
  ];
  return violations.filter((it) => it !== undefined);
}

/** Returns the violation of the head of the response to a Watch. */
export function judgeStreamHead(
  { headers = {} }: Pick<HttpRequest, "headers">,
  response: Pick<HttpResponse, "headers">,
): ViolationDetail | undefined {
  const used = encodingsIn(response.headers["connect-content-encoding"]);
  const offered = offeredEncodings(headers, "connect-accept-encoding");
  const whole = encodingsIn(response.headers["content-encoding"]);
  if (whole.length > 0)
    return {
      requirement: "HTTP-COMPRESSION",
      message: "the response to a Watch is compressed as a whole",
      expected: "a stream without Content-Encoding, whose messages alone may be compressed",
      actual: `Content-Encoding: ${whole.join(", ")}`,
    };
  const unasked = used.find((name) => !isOffered(offered, name));
  if (unasked === undefined) return undefined;
  return {
    requirement: "HTTP-COMPRESSION",
    message: "the response to a Watch has a Connect-Content-Encoding that the request did not offer",
    expected: `Connect-Content-Encoding: ${["none", ...offered].join(" or ")}`,
    actual: `Connect-Content-Encoding: ${unasked}`,
  };
}

/** The unary RPC that is called at a path; undefined if there is none. */
function rpcAt(path: string): { name: string; isWrite: boolean; output: DescMessage } | undefined {
  const { getServerInfo, send, sync } = SeqSyncService.method;
  const method = [getServerInfo, send, sync].find(({ name }) => path === `/${SeqSyncService.typeName}/${name}`);
  return method && { name: method.name, isWrite: method !== getServerInfo, output: method.output };
}

/**
 * The Connect error of a response. A plain HTTP response may have JSON of its own in its body: the code tells them
 * apart, which belongs to the status.
 */
function connectErrorOf({ status, headers, body }: HttpResponse): Refusal | undefined {
  if (status === 200 || mediaType(headers["content-type"]) !== "application/json") return undefined;
  const error = parseError(status, Buffer.from(body).toString("utf8"));
  return error !== undefined && STATUS_OF[error.code] === status ? error : undefined;
}

/** Expects Cache-Control: no-store in a success and in a Connect error. */
function judgeNoStore(
  rpc: string,
  { status, headers }: HttpResponse,
  error: Refusal | undefined,
): ViolationDetail | undefined {
  const type = mediaType(headers["content-type"]);
  const isSuccess = status === 200 && (type === "application/proto" || type === "application/json");
  if (!isSuccess && error === undefined) return undefined;
  const value = headers["cache-control"];
  const directives = value?.split(",").map((directive) => directive.trim().toLowerCase()) ?? [];
  if (directives.includes("no-store")) return undefined;
  return {
    requirement: "HTTP-NO-STORE",
    message: `${error === undefined ? `the response to a ${rpc}` : `a ${rpc} that was ${describeRefusal(error)}`} has no Cache-Control: no-store`,
    expected: "Cache-Control: no-store",
    actual: value === undefined ? "no Cache-Control" : `Cache-Control: ${value}`,
  };
}

/** Expects a response to have no content coding, or one that its request offered. */
function judgeEncoding(
  rpc: string,
  { headers = {} }: SentRequest,
  response: HttpResponse,
): ViolationDetail | undefined {
  const offered = offeredEncodings(headers, "accept-encoding");
  const unasked = encodingsIn(response.headers["content-encoding"]).find((name) => !isOffered(offered, name));
  if (unasked === undefined) return undefined;
  return {
    requirement: "HTTP-COMPRESSION",
    message: `the response to a ${rpc} has a Content-Encoding that the request did not offer`,
    expected: `Content-Encoding: ${["none", ...offered].join(" or ")}`,
    actual: `Content-Encoding: ${unasked}`,
  };
}

/** Expects a success in JSON to be in the canonical mapping. One that does not parse is reported by its decoder. */
function judgeJson(
  rpc: string,
  schema: DescMessage,
  { status, headers, body }: HttpResponse,
): ViolationDetail | undefined {
  if (status !== 200 || mediaType(headers["content-type"]) !== "application/json") return undefined;
  // What writes the largest pages writes the small ones too.
  if (body.length > MAX_JUDGED_BYTES) return undefined;
  if (!isUtf8(body))
    return {
      requirement: "HTTP-JSON",
      message: `the response to a ${rpc} is not UTF-8`,
      expected: "body: JSON in UTF-8",
      actual: "body: bytes that are not UTF-8",
    };
  const json = jsonObject(Buffer.from(body).toString("utf8"));
  const violation = json && jsonViolation(schema, json);
  return violation && { ...violation, message: `the response to a ${rpc} ${violation.message}` };
}

/** Expects an error with a reason of the table to have its code, and one ErrorDetail. */
function judgeError(rpc: string, error: Refusal): ViolationDetail[] {
  // A retryable error is no refusal.
  if (resultOfError(error).kind !== "refusal") return [];
  const violations: ViolationDetail[] = [];
  const code = CODE_OF[error.reason];
  if (code !== undefined && code !== error.code)
    violations.push({
      requirement: "ERR-CODE",
      message: `a refusal of a ${rpc} has a code that does not belong to its reason`,
      expected: `code: ${code}, with ${Reason[error.reason]}`,
      actual: `code: ${error.code}`,
    });
  const details = detailsOf(error);
  if (details > 1)
    violations.push({
      requirement: "ERR-REASON",
      message: `a refusal of a ${rpc} has several ErrorDetails`,
      expected: "one seqsync.v1.ErrorDetail in details",
      actual: `${details}`,
    });
  return violations;
}

/** The number of ErrorDetails in an error. */
function detailsOf({ text }: Refusal): number {
  const details = jsonObject(text)?.["details"];
  if (!Array.isArray(details)) return 0;
  const types = details.map((it: unknown) => String(Object(it).type ?? ""));
  return types.filter((type) => type.split("/").at(-1) === ErrorDetailSchema.typeName).length;
}

/** The encodings that a header names, without `identity`. */
function encodingsIn(value: string | undefined): string[] {
  const names = (value ?? "").split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "" && name !== "identity");
}

/** The encodings that the request offers by this header, without those of weight 0. */
function offeredEncodings(headers: NonNullable<HttpRequest["headers"]>, header: string): string[] {
  const values = pairsOf(headers)
    .filter(([name]) => name.toLowerCase() === header)
    .map(([, value]) => value);
  const items = values.join(",").split(",");
  const offers = items.map((item) => item.split(";").map((part) => part.trim().toLowerCase()));
  return offers
    .filter(([, ...parameters]) => !parameters.some((it) => /^q\s*=\s*0(\.0*)?$/.test(it)))
    .map(([name = ""]) => name)
    .filter((name) => name !== "" && name !== "identity");
}

/** Headers as pairs. */
export const pairsOf = (headers: NonNullable<HttpRequest["headers"]>): [string, string][] =>
  Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);

/** `x-gzip` means `gzip`, and `*` any encoding. */
const isOffered = (offered: readonly string[], name: string) =>
  offered.some((it) => it === "*" || it.replace(/^x-/, "") === name.replace(/^x-/, ""));
