import { isDeepStrictEqual } from "node:util";
import type { DescMessage } from "@bufbuild/protobuf";
import type { HttpRequest } from "../../transport/messages.js";
import type { Codec } from "../connect.js";
import { envelope } from "../envelope.js";
import type { FormAspect, FormChoice } from "./aspects.js";
import { varyBinary } from "./binary-form.js";
import { varyHead } from "./head-form.js";
import { varyJson } from "./json-form.js";

/** What a form changes of a request. */
export type RequestForm = Required<Pick<HttpRequest, "headers" | "body">> & Pick<HttpRequest, "connection">;

/** A call before it becomes a request. */
export interface EncodedCall {
  codec: Codec;
  /** The type of the request message. */
  schema: DescMessage;
  headers: Readonly<Record<string, string>>;
  /** The encoded message, without an envelope. */
  message: Uint8Array;
  /** Whether the message goes into an envelope. */
  isStream: boolean;
}

/**
 * Returns the request of a call, in the plain form or, with a choice, in one that means the same. `given` are the
 * headers that the transport adds to every request.
 */
export function requestOf(
  call: EncodedCall,
  choice: FormChoice | undefined,
  given: Readonly<Record<string, string>> = {},
): RequestForm {
  const { codec, schema, headers, message, isStream } = call;
  const wrap = (body: Uint8Array) => (isStream ? envelope(body) : body);
  if (choice === undefined) return { headers, body: wrap(message) };
  const varied =
    codec === "proto"
      ? varyBinary(schema, message, choice)
      : Buffer.from(varyJson(schema, Buffer.from(message).toString("utf8"), choice));
  return varyTransfer({ headers, body: wrap(varied) }, choice, given);
}

/** The aspects that leave the body and the values of the headers as they are. */
const RAW_ASPECTS: readonly FormAspect[] = ["header-case", "header-order", "extra-headers", "packets", "connection"];

/**
 * Varies a request whose content a case has chosen on purpose: only the names and the order of its headers, further
 * headers, its packets and its connection.
 */
export function varyRawRequest(
  headers: Readonly<Record<string, string>>,
  choice: FormChoice | undefined,
  given: Readonly<Record<string, string>> = {},
): Pick<HttpRequest, "headers" | "connection"> {
  if (choice === undefined) return { headers };
  const applies = (aspect: FormAspect) => RAW_ASPECTS.includes(aspect) && choice.applies(aspect);
  const raw = { ...choice, applies };
  return { headers: variedHeaders(headers, raw, given), ...connectionOf(raw) };
}

/** Varies how a request is sent: its headers, its transfer coding and its connection. */
function varyTransfer(
  { headers, body }: { headers: Readonly<Record<string, string>>; body: Uint8Array },
  choice: FormChoice,
  given: Readonly<Record<string, string>>,
): RequestForm {
  const isChunked = choice.applies("chunked");
  return {
    headers: variedHeaders(headers, choice, given),
    body: isChunked ? chunksOf(body, choice.random("chunked")) : body,
    ...connectionOf(choice),
  };
}

function connectionOf(choice: FormChoice): Pick<HttpRequest, "connection"> {
  if (choice.applies("packets")) return { connection: "packets" };
  if (choice.applies("connection")) return { connection: otherConnection(choice) };
  return choice.applies("header-order") && choice.random("header-order")() < 0.3 ? { connection: "lengthFirst" } : {};
}

const otherConnection = (choice: FormChoice) => (choice.random("connection")() < 0.25 ? "new" : "http1");

function variedHeaders(
  headers: Readonly<Record<string, string>>,
  choice: FormChoice,
  given: Readonly<Record<string, string>> = {},
): NonNullable<HttpRequest["headers"]> {
  const plain = Object.entries(headers);
  // A header twice, with two values, would mean something else.
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  const varied = varyHead(plain, choice).filter(([name]) => name in headers || !names.has(name.toLowerCase()));
  // A list would force HTTP/1.1.
  return isDeepStrictEqual(varied, plain) ? headers : varied;
}

/** Splits a body into chunks of any size; an empty body has none. */
function chunksOf(body: Uint8Array, random: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < body.length; ) {
    const isSmall = random() < 0.5 && chunks.length < 8;
    const end = Math.min(body.length, start + (isSmall ? 1 + Math.floor(random() * 4) : body.length));
    chunks.push(body.subarray(start, end));
    start = end;
  }
  return chunks;
}
