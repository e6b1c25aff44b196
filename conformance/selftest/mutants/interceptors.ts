import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Caller } from "../../../reference-server/accounts.js";
import type { Operations } from "../../../reference-server/http/methods.js";
import { Inbox, type NewMessage, type Page } from "../../../reference-server/inbox.js";
import type { Stream } from "../../../reference-server/operations/watch.js";
import type { Service } from "../../../reference-server/service.js";
import type { FrontEnd, InboxClass } from "./mutant.js";

/** Assignable to `FrontEnd.handler`. */
type Handler = (real: RequestListener) => RequestListener;
type Wrapped = NonNullable<FrontEnd["operations"]>;

/** A complete response: of a unary call, or of a refused Watch. */
export interface HttpResponse {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** Changes each response that is written in one piece, before it is sent. */
export const mapResponses = (change: (response: HttpResponse, req: IncomingMessage) => HttpResponse): Handler =>
  interceptResponses((response, req, res) => {
    const { status, headers, body } = change(response, req);
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    res.writeHead(status, { ...headers, "content-length": body.length });
    res.end(body);
  });

/** Passes each response that is written in one piece to `deliver`, which sends it. */
export function interceptResponses(
  deliver: (response: HttpResponse, req: IncomingMessage, res: ServerResponse) => void,
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
      // A response in several pieces is a stream: it is passed through.
      write(chunk: Uint8Array) {
        restore();
        res.writeHead(...(head as [number, OutgoingHttpHeaders]));
        return res.write(chunk);
      },
      end(body: Uint8Array = new Uint8Array()) {
        restore();
        const [status, written] = head ?? [res.statusCode, {}];
        const lower = Object.fromEntries(Object.entries(written).map(([name, value]) => [name.toLowerCase(), value]));
        deliver({ status, headers: { ...res.getHeaders(), ...lower }, body: Buffer.from(body) }, req, res);
        return res;
      },
    });
    return real(req, res);
  };
}

/** Changes the JSON of each Connect error of a unary call. */
export const mapErrors = (change: (error: ErrorJson, req: IncomingMessage) => object): Handler =>
  mapResponses((response, req) => {
    const error = errorOf(response);
    return error === undefined ? response : { ...response, body: Buffer.from(JSON.stringify(change(error, req))) };
  });

export interface ErrorJson {
  code: string;
  message: string;
  details?: { type: string; value: string; debug: { reason?: string } }[];
}

/** Returns the Connect error of a response; undefined if there is none. */
export function errorOf({ status, headers, body }: HttpResponse): ErrorJson | undefined {
  return status === 200 || headers["content-type"] !== "application/json"
    ? undefined
    : (JSON.parse(body.toString()) as ErrorJson);
}

/** Changes the headers, the method or the path of requests in place, before the server reads them. */
export const editRequests =
  (change: (req: IncomingMessage) => void): Handler =>
  (real) =>
  (req, res) => {
    change(req);
    return real(req, res);
  };

/** Changes the bodies of complete requests, whatever their length. Truncated requests are dropped. */
export const mapBodiesOfAnyLength =
  (change: (body: Buffer, req: IncomingMessage) => Buffer): Handler =>
  (real) =>
  async (req, res) => {
    const body = await readAll(req);
    if (body !== undefined) real(withBody(req, change(body, req)), res);
  };

/** Length from which every server refuses a body whatever is in it, in bytes. */
const OVERLONG_BYTES = 16 << 20;

/**
 * Changes the contents of complete requests. A body that is too long stays as it is: a shorter one would be accepted,
 * and the mutant would violate HTTP-BODY-LIMIT too.
 */
export const mapBodies = (change: (body: Buffer, req: IncomingMessage) => Buffer): Handler =>
  mapBodiesOfAnyLength((body, req) => (body.length < OVERLONG_BYTES ? change(body, req) : body));

/** Reads a body to its end; returns undefined if the connection broke before. */
export async function readAll(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return req.complete ? Buffer.concat(chunks) : undefined;
}

/** Returns the same request with another body. */
export function withBody(req: IncomingMessage, body: Buffer): IncomingMessage {
  const { headers, method, url, socket } = req;
  return Object.assign(Readable.from([body]), { headers, method, url, socket, complete: true }) as never;
}

/** Responds to the requests for which `respond` returns a response, and passes on the others. */
export const respondInstead =
  (respond: (req: IncomingMessage) => { status: number; body?: string } | undefined): Handler =>
  (real) =>
  (req, res) => {
    const response = respond(req);
    if (response === undefined) return real(req, res);
    req.resume();
    res.writeHead(response.status, { "content-type": "text/plain" }).end(response.body ?? "no\n");
    return undefined;
  };

/** Returns the RPC of a request, such as "Sync". */
export const rpcOf = ({ url }: IncomingMessage) => url?.split("?", 1)[0]?.split("/").at(-1) ?? "";

export const isJson = ({ headers }: IncomingMessage) => /json/i.test(headers["content-type"] ?? "");

/** Wraps Send. */
export const wrapSend =
  (change: (real: Operations["send"]) => Operations["send"]): Wrapped =>
  (real) => ({ send: change(real.send) });

/** Wraps Sync. */
export const wrapSync =
  (change: (real: Operations["sync"]) => Operations["sync"]): Wrapped =>
  (real) => ({ sync: change(real.sync) });

/** Wraps the stream to which a Watch writes. */
export const wrapWatch =
  (change: (stream: Stream, caller: Caller, service: Service) => Stream): Wrapped =>
  (real) => ({
    watch: (service, caller, stream) => real.watch(service, caller, change(stream, caller, service)),
  });

/** Changes the pages that an inbox returns. */
export const mapPage = (
  change: (page: Page, inbox: Inbox, request: { cliSeq: number; pageSize: number }) => Page,
): InboxClass =>
  class extends Inbox {
    override sync(cliSeq: number, epoch: string, pageSize: number): Page {
      return change(super.sync(cliSeq, epoch, pageSize), this, { cliSeq, pageSize });
    }
  };

/** An inbox that acks correctly, but retains all messages in `retained`. */
export class RetainingInbox extends Inbox {
  protected readonly retained = new Map(this.pending);
  override append(message: NewMessage) {
    const stored = super.append(message);
    this.retained.set(stored.seq, stored);
    return stored;
  }
}
