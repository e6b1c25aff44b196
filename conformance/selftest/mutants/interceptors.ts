import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Caller } from "../../../reference-server/accounts.js";
import type { Operations } from "../../../reference-server/http/methods.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import type { Stream } from "../../../reference-server/operations/watch.js";
import type { Service } from "../../../reference-server/service.js";
import type { FrontEnd, InboxClass } from "./mutant.js";

/** Fits `FrontEnd.handler`. */
type Handler = (real: RequestListener) => RequestListener;
type Wrapped = NonNullable<FrontEnd["operations"]>;

/** A whole answer: of a unary call, or of a Watch that was refused. */
export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** Changes each answer that is written in one piece, before it leaves. */
export const mapResponses = (change: (answer: Answer, req: IncomingMessage) => Answer): Handler =>
  interceptResponses((answer, req, res) => {
    const { status, headers, body } = change(answer, req);
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    res.writeHead(status, { ...headers, "content-length": body.length });
    res.end(body);
  });

/** Takes each answer that is written in one piece, and decides what becomes of it. */
export function interceptResponses(
  deliver: (answer: Answer, req: IncomingMessage, res: ServerResponse) => void,
): Handler {
  return (real) => (req, res) => {
    const { writeHead, write, end } = res;
    let head: [number, OutgoingHttpHeaders] | undefined;
    const restore = () => Object.assign(res, { writeHead, write, end });
    Object.assign(res, {
      writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
        head = [status, headers];
        return res;
      },
      // What is written in several pieces is a stream: it goes out as it comes.
      write(chunk: Uint8Array) {
        restore();
        res.writeHead(...(head as [number, OutgoingHttpHeaders]));
        return res.write(chunk);
      },
      end(body: Uint8Array = new Uint8Array()) {
        restore();
        const [status, own] = head ?? [res.statusCode, {}];
        const lower = Object.fromEntries(Object.entries(own).map(([name, value]) => [name.toLowerCase(), value]));
        deliver({ status, headers: { ...res.getHeaders(), ...lower }, body: Buffer.from(body) }, req, res);
        return res;
      },
    });
    return real(req, res);
  };
}

/** Changes the JSON of each Connect error of a unary call. */
export const mapErrors = (change: (error: ErrorJson, req: IncomingMessage) => object): Handler =>
  mapResponses((answer, req) => {
    const error = errorOf(answer);
    return error === undefined ? answer : { ...answer, body: Buffer.from(JSON.stringify(change(error, req))) };
  });

export interface ErrorJson {
  code: string;
  message: string;
  details?: { type: string; value: string; debug: { reason?: string } }[];
}

/** The Connect error in an answer; undefined if there is none. */
export function errorOf({ status, headers, body }: Answer): ErrorJson | undefined {
  return status === 200 || headers["content-type"] !== "application/json"
    ? undefined
    : (JSON.parse(body.toString()) as ErrorJson);
}

/** Changes requests before they are looked at. Headers and the path may be set in place. */
export const editRequests =
  (change: (req: IncomingMessage) => void): Handler =>
  (real) =>
  (req, res) => {
    change(req);
    return real(req, res);
  };

/** Changes the bodies of requests, once they are there as a whole. What was cut off never comes that far. */
export const mapBodies =
  (change: (body: Buffer, req: IncomingMessage) => Buffer): Handler =>
  (real) =>
  async (req, res) => {
    const body = await readAll(req);
    if (body !== undefined) real(withBody(req, change(body, req)), res);
  };

/** A body to its end; undefined if the connection broke before. */
export async function readAll(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return req.complete ? Buffer.concat(chunks) : undefined;
}

/** The same request with another body. */
export function withBody(req: IncomingMessage, body: Buffer): IncomingMessage {
  const { headers, method, url, socket } = req;
  return Object.assign(Readable.from([body]), { headers, method, url, socket, complete: true }) as never;
}

/** Answers something of the fault's own to some requests, and passes on the others. */
export const respondInstead =
  (answer: (req: IncomingMessage) => { status: number; body?: string } | undefined): Handler =>
  (real) =>
  (req, res) => {
    const own = answer(req);
    if (own === undefined) return real(req, res);
    req.resume();
    res.writeHead(own.status, { "content-type": "text/plain" }).end(own.body ?? "no\n");
    return undefined;
  };

/** The RPC that a request is for, such as "Sync". */
export const rpcOf = ({ url }: IncomingMessage) => url?.split("?", 1)[0]?.split("/").at(-1) ?? "";

export const isJson = ({ headers }: IncomingMessage) => /json/i.test(headers["content-type"] ?? "");

/** Replaces Send by one that is built around the right one. */
export const wrapSend =
  (change: (real: Operations["send"]) => Operations["send"]): Wrapped =>
  (real) => ({ send: change(real.send) });

/** Replaces Sync by one that is built around the right one. */
export const wrapSync =
  (change: (real: Operations["sync"]) => Operations["sync"]): Wrapped =>
  (real) => ({ sync: change(real.sync) });

/** Changes the stream that a Watch writes to. */
export const wrapWatch =
  (change: (stream: Stream, caller: Caller, service: Service) => Stream): Wrapped =>
  (real) => ({
    watch: (service, caller, stream) => real.watch(service, caller, change(stream, caller, service)),
  });

/** Changes the page that a right inbox answers. */
export const mapPage = (
  change: (page: Page, inbox: Inbox, asked: { cliSeq: number; pageSize: number }) => Page,
): InboxClass =>
  class extends Inbox {
    override sync(cliSeq: number, epoch: string, pageSize: number): Page {
      return change(super.sync(cliSeq, epoch, pageSize), this, { cliSeq, pageSize });
    }
  };

/** An inbox that never forgets what it was given, though it acks like a right one. */
export class RetainingInbox extends Inbox {
  protected readonly kept = new Map(this.pending);
  override append(message: NewMessage) {
    const stored = super.append(message);
    this.kept.set(stored.seq, stored);
    return stored;
  }
}
