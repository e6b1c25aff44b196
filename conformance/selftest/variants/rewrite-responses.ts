import type { IncomingMessage, OutgoingHttpHeader, RequestListener, ServerResponse } from "node:http";

/** A Connect error in JSON, as in the body of a refusal. */
export interface ErrorJson {
  code: string;
  message?: string;
  details?: { type: string; value: string; debug?: unknown }[];
}

/** How to change a server's responses. */
export interface ResponseRewrites {
  /** Changes a response message, of a unary call or in a frame. */
  message?(body: Buffer, codec: "proto" | "json", method: string): Buffer;
  /** Changes an error, of a unary call or at the end of a stream. */
  error?(error: ErrorJson): ErrorJson;
  /** Changes the whole end-of-stream message. */
  end?(end: { error?: ErrorJson }): object;
  /** Sends the response of a unary call. Default: unchanged. */
  send?(res: ServerResponse, body: Buffer, req: IncomingMessage): void;
}

/** Wraps a server, which may be wrapped already, and rewrites its responses. The server must write each envelope of a stream in one piece. */
export function rewriteResponses(inner: RequestListener, rewrites: ResponseRewrites): RequestListener {
  return (req, res) => {
    const raw = {
      writeHead: res.writeHead.bind(res),
      flushHeaders: res.flushHeaders.bind(res),
      write: res.write.bind(res),
      end: res.end.bind(res),
    };
    const method = /\.SeqSyncService\/(\w+)/.exec(req.url ?? "")?.[1];
    const chunks: Buffer[] = [];
    let streaming = false;

    const writeHead = (status: number, headers: Record<string, OutgoingHttpHeader> = {}) => {
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string);
      res.statusCode = status;
      streaming = type(res).startsWith("application/connect+");
      if (streaming) raw.writeHead(status);
      return res;
    };
    const write = (
      chunk: Uint8Array,
      encoding: BufferEncoding = "utf8",
      done?: (error?: Error | null) => void,
    ): boolean => {
      if (streaming) return raw.write(envelope(Buffer.from(chunk), res, rewrites, method ?? ""), encoding, done);
      chunks.push(Buffer.from(chunk));
      done?.();
      return true;
    };
    // The headers may still change until the end.
    const flushHeaders = () => {
      if (streaming) raw.flushHeaders();
    };
    const end = (chunk?: Uint8Array | string) => {
      if (chunk !== undefined) write(Buffer.from(chunk));
      if (streaming || res.destroyed) return raw.end();
      const body = method === undefined ? Buffer.concat(chunks) : unary(Buffer.concat(chunks), res, rewrites, method);
      Object.assign(res, raw);
      if (res.hasHeader("content-length")) res.setHeader("Content-Length", body.length);
      if (rewrites.send === undefined) res.end(body);
      else rewrites.send(res, body, req);
      return res;
    };
    Object.assign(res, { writeHead, flushHeaders, write, end });
    inner(req, res);
  };
}

const type = (res: ServerResponse) => String(res.getHeader("content-type") ?? "");

function unary(body: Buffer, res: ServerResponse, rewrites: ResponseRewrites, method: string): Buffer {
  const [, codec] = /^application\/(proto|json)/.exec(type(res)) ?? [];
  if (res.statusCode !== 200 && codec === "json") return json(rewrites.error?.(JSON.parse(body.toString()))) ?? body;
  if (res.statusCode === 200 && (codec === "proto" || codec === "json"))
    return rewrites.message?.(body, codec, method) ?? body;
  return body;
}

function envelope(bytes: Buffer, res: ServerResponse, rewrites: ResponseRewrites, method: string): Buffer {
  const flags = bytes[0] ?? 0;
  let content = bytes.subarray(5);
  if (flags === 2) {
    const end = JSON.parse(content.toString()) as { error?: ErrorJson };
    if (end.error !== undefined && rewrites.error !== undefined) end.error = rewrites.error(end.error);
    content = json(rewrites.end?.(end) ?? end) as Buffer;
  } else content = rewrites.message?.(content, type(res).endsWith("proto") ? "proto" : "json", method) ?? content;
  const head = Buffer.from([flags, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

const json = (value: unknown) => (value === undefined ? undefined : Buffer.from(JSON.stringify(value)));
