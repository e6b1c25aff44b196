import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import type { Exchange } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { type Codec, decode, encode, mediaType } from "../../rpc/connect.js";

/** The RPCs of the service. */
const METHODS = SeqSyncService.methods;

export type Rpc = (typeof METHODS)[number];

/** Value of the first header with this name, in any case; undefined without one. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  const line = headers.find((header) => header.slice(0, header.indexOf(":")).toLowerCase() === name);
  return line?.slice(name.length + 1).trim();
}

/** The method and the path of a request. */
export function requestLine({ request }: Pick<Exchange, "request">): { method: string; path: string } {
  const space = request.indexOf(" ");
  return { method: request.slice(0, space), path: request.slice(space + 1) };
}

/** The RPC that a request is for: that of its path, without its query. */
export function rpcOf(exchange: Pick<Exchange, "request">): Rpc | undefined {
  const path = requestLine(exchange).path.replace(/[?#].*$/s, "");
  return METHODS.find(({ name }) => path.endsWith(`/${SeqSyncService.typeName}/${name}`));
}

/** The codec of a content type; undefined if it is none of the protocol. */
export function codecOf(type: string | undefined): Codec | undefined {
  const [, codec] = /^application\/(?:connect\+)?(proto|json)$/.exec(mediaType(type)) ?? [];
  return codec as Codec | undefined;
}

/** A decoded body. */
export interface Decoded {
  message: Message;
  /** Whether the suite would encode the message with the same bytes. */
  isUsual: boolean;
}

/** Decodes a whole body; undefined if it does not decode, or was not kept in full. */
export function decodeBody(codec: Codec, schema: DescMessage, body: Uint8Array, size: number): Decoded | undefined {
  if (size !== body.length) return undefined;
  try {
    // Unlike in a run, unknown fields are of interest here.
    const message: Message = codec === "proto" ? fromBinary(schema, body) : decode(codec, schema, body);
    return {
      message,
      isUsual: (message.$unknown ?? []).length === 0 && isSame(codec, body, encode(codec, schema, message)),
    };
  } catch {
    return undefined;
  }
}

function isSame(codec: Codec, sent: Uint8Array, usual: Uint8Array): boolean {
  if (codec === "proto") return Buffer.compare(sent, usual) === 0;
  const text = Buffer.from(sent).toString("utf8");
  try {
    // White space and the order of the members do not count.
    return sorted(JSON.parse(text)) === sorted(JSON.parse(Buffer.from(usual).toString("utf8")));
  } catch {
    return false;
  }
}

const sorted = (json: unknown) =>
  JSON.stringify(json, (_, value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** Maximum length of a body in a diagram, in bytes of a hex dump. */
const MAX_HEX = 24;
/** Maximum length of a body in a diagram, in characters of a text. */
const MAX_TEXT = 120;

/** Shows a body as text, or its bytes in hexadecimal; of a long one, the start and the end. */
export function bodyText(body: Uint8Array, size: number): string {
  if (size === 0) return "no body";
  const text = Buffer.from(body).toString("utf8");
  const isText = !/(?![\n\r\t])\p{Cc}|\ufffd/u.test(text);
  const cut = shortened([...text], MAX_TEXT, "");
  // A word alone, such as "no", would read like one of the diagram.
  const quoted = /^[\w\s.,:-]*$/.test(cut) && /[g-zG-Z]/.test(cut) ? JSON.stringify(cut) : cut;
  const shown = isText ? quoted : shortened([...body].map(hex), MAX_HEX, " ");
  return `${size} B ${size > body.length ? `beginning with ${shown}` : shown}`;
}

function shortened(parts: readonly string[], max: number, separator: string): string {
  if (parts.length <= max) return parts.join(separator);
  const half = Math.floor(max / 2);
  return `${parts.slice(0, half).join(separator)}${separator}…${separator}${parts.slice(-half).join(separator)}`;
}

const hex = (byte: number) => byte.toString(16).padStart(2, "0");
