import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { isJson, rpcOf } from "../mutants/interceptors.js";

/** What the server has seen of one connection before a request. */
export interface ConnectionLog {
  calls: number;
  lastCallAt: number;
  codecs: Set<string>;
  credentials: Set<string>;
}

/** One field of a body in the binary codec. */
export interface WireField {
  number: number;
  wireType: number;
  /** Whether its tag, length or number has more bytes than it needs. */
  isLong: boolean;
}

/** Bytes of a body that are kept. */
const MAX_BYTES = 1 << 20;

/** How a request was written: everything in which two requests of the same meaning can differ. */
export class Form {
  readonly rpc: string;
  readonly codec: "proto" | "json";
  /** Names and values of the headers, as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What the connection had seen before. */
  readonly connection: ConnectionLog & { idleMs: number };
  /** Number of pieces in which the body came. */
  pieces = 0;
  /** Whether the body came after the headers, in another packet. */
  isBodyApart = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #fields: WireField[] | undefined;

  constructor(req: IncomingMessage, connection: ConnectionLog) {
    this.rpc = rpcOf(req);
    this.codec = isJson(req) ? "json" : "proto";
    const { rawHeaders } = req;
    this.headers = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""] as const] : []));
    const idleMs = connection.calls === 0 ? 0 : Date.now() - connection.lastCallAt;
    this.connection = {
      ...connection,
      codecs: new Set(connection.codecs),
      credentials: new Set(connection.credentials),
      idleMs,
    };
  }

  /** Adds a piece of the body. */
  add(chunk: Buffer, isApart: boolean): void {
    if (this.#chunks.length === 0) this.isBodyApart = isApart;
    this.pieces += 1;
    // The rest of a body of this size is one payload.
    if (this.#bytes < MAX_BYTES) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Value of a header; undefined if there is none. */
  header(name: string): string | undefined {
    return this.headers.find(([it]) => it.toLowerCase() === name)?.[1];
  }

  /** The message of the body, without the envelope of a stream. */
  get body(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    const body = this.#chunks[0] ?? Buffer.alloc(0);
    return this.rpc === "Watch" ? body.subarray(5) : body;
  }

  /** The fields of a body in the binary codec, in order. */
  get fields(): readonly WireField[] {
    this.#fields ??= this.codec === "proto" ? fieldsOf(this.body) : [];
    return this.#fields;
  }

  /** The body as text, in the JSON codec; otherwise "". */
  get json(): string {
    return this.codec === "json" ? this.body.toString() : "";
  }
}

/** The log of each connection. */
export class Connections {
  readonly #logs = new WeakMap<Socket, ConnectionLog>();

  /** Describes a request, and notes it in the log of its connection. */
  describe(req: IncomingMessage): Form {
    const log = this.#logs.get(req.socket) ?? { calls: 0, lastCallAt: 0, codecs: new Set(), credentials: new Set() };
    this.#logs.set(req.socket, log);
    const form = new Form(req, log);
    log.calls += 1;
    log.lastCallAt = Date.now();
    log.codecs.add(form.codec);
    log.credentials.add(req.headers.authorization ?? "");
    return form;
  }
}

/** Reads the fields of a message up to the first error. */
function fieldsOf(body: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = () => {
    const from = at;
    let value = 0n;
    for (let shift = 0n; at < body.length && shift < 70n; shift += 7n) {
      const byte = body[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return { value, isLong: at - from > 1 && byte === 0 };
    }
    at = body.length;
    return { value, isLong: false };
  };
  while (at < body.length) {
    const tag = varint();
    const wireType = Number(tag.value & 7n);
    let { isLong } = tag;
    if (wireType === 0) isLong = varint().isLong || isLong;
    else if (wireType === 2) {
      const length = varint();
      isLong ||= length.isLong;
      at += Number(length.value);
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return fields;
    fields.push({ number: Number(tag.value >> 3n), wireType, isLong });
  }
  return fields;
}
