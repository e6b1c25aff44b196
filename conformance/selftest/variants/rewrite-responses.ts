import type { IncomingMessage, OutgoingHttpHeader, RequestListener, ServerResponse } from "node:http";

/** The object of a Connect error, as in the body of a refusal. */
export interface ErrorJson {
  code: string;
  message?: string;
  details?: { type: string; value: string; debug?: unknown }[];
}

/** What to change of a server's answers; each part may be absent. */
export interface Twist {
  /** A response message of the method, in a unary answer or in a frame. */
  message?(body: Buffer, codec: "proto" | "json", method: string): Buffer;
  /** A refusal, of a unary call or at the end of a stream. */
  error?(error: ErrorJson): ErrorJson;
  /** The end-of-stream message as a whole. */
  end?(end: { error?: ErrorJson }): object;
  /** A whole unary answer: sends it, by whatever means. Default: as it is. */
  send?(res: ServerResponse, body: Buffer, req: IncomingMessage): void;
}

/** The same server, but for what the twist changes of its answers. Its envelopes must come one in a write. */
export function rewriteResponses(inner: RequestListener, twist: Twist): RequestListener {
  return (req, res) => {
    const raw = { writeHead: res.writeHead.bind(res), write: res.write.bind(res), end: res.end.bind(res) };
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
    const write = (chunk: Uint8Array, encoding: BufferEncoding, done?: (error?: Error | null) => void): boolean => {
      if (streaming) return raw.write(envelope(Buffer.from(chunk), res, twist, method ?? ""), encoding, done);
      chunks.push(Buffer.from(chunk));
      done?.();
      return true;
    };
    const end = () => {
      if (streaming || res.destroyed) return raw.end();
      const body = method === undefined ? Buffer.concat(chunks) : unary(Buffer.concat(chunks), res, twist, method);
      Object.assign(res, raw);
      if (res.hasHeader("content-length")) res.setHeader("Content-Length", body.length);
      if (twist.send === undefined) res.end(body);
      else twist.send(res, body, req);
      return res;
    };
    Object.assign(res, { writeHead, write, end });
    inner(req, res);
  };
}

const type = (res: ServerResponse) => String(res.getHeader("content-type") ?? "");

function unary(body: Buffer, res: ServerResponse, twist: Twist, method: string): Buffer {
  const [, codec] = /^application\/(proto|json)/.exec(type(res)) ?? [];
  if (res.statusCode !== 200 && codec === "json") return json(twist.error?.(JSON.parse(body.toString()))) ?? body;
  if (res.statusCode === 200 && (codec === "proto" || codec === "json"))
    return twist.message?.(body, codec, method) ?? body;
  return body;
}

function envelope(bytes: Buffer, res: ServerResponse, twist: Twist, method: string): Buffer {
  const flags = bytes[0] ?? 0;
  let content = bytes.subarray(5);
  if (flags === 2) {
    const end = JSON.parse(content.toString()) as { error?: ErrorJson };
    if (end.error !== undefined && twist.error !== undefined) end.error = twist.error(end.error);
    content = json(twist.end?.(end) ?? end) as Buffer;
  } else content = twist.message?.(content, type(res).endsWith("proto") ? "proto" : "json", method) ?? content;
  const head = Buffer.from([flags, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

const json = (value: unknown) => (value === undefined ? undefined : Buffer.from(JSON.stringify(value)));
