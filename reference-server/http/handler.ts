import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { bearerToken, type Caller, hash } from "../accounts.js";
import { HTTP_STATUS, Refusal, refuse } from "../errors.js";
import type { Service } from "../service.js";
import { type BodyType, bodyType, decode, errorJson, openEnvelope } from "./codec.js";
import { type Method, methodTable, type Operations, operations } from "./methods.js";
import { openStream } from "./stream.js";

/** One answered request, for a log. Never holds a credential or content. */
export interface LogEntry {
  /** HTTP method. */
  method: string;
  /** Path, without the query. */
  path: string;
  /** HTTP status. */
  status: number;
  /** Connect code of an error, such as "out_of_range"; else empty. */
  code: string;
  /** Reason of an error, such as "CLI_SEQ_AHEAD"; else empty. */
  reason: string;
  /** Time from the request to the end of its answer, in microseconds. */
  micros: number;
}

/** How requests are handled. */
export interface HandlerOptions {
  /** Serve the FixtureService. Default false. */
  fixtures?: boolean;
  /** Credential that the FixtureService asks for. Default none. */
  fixtureToken?: string;
  /** Hears of each answered request. */
  log?: (entry: LogEntry) => void;
  /**
   * Replaces operations. The seam at which a faulty server is composed.
   * @internal
   */
  operations?: Partial<Operations>;
}

/** Speaks the Connect protocol (spec, "HTTP binding"): finds the RPC, the codec and the caller, then reads, calls and answers. */
export function createHandler(service: Service, options: HandlerOptions = {}): RequestListener {
  const methods = methodTable(service, { ...operations, ...options.operations }, options.fixtures ?? false);
  const speaksJson = service.options.profiles.includes(Profile.JSON);
  const fixtureHash = options.fixtureToken === undefined ? undefined : Buffer.from(hash(options.fixtureToken));
  // Room for the largest payload in base64, and for all other fields.
  const maxBodyBytes = Math.ceil((service.options.maxPayloadBytes * 4) / 3) + (64 << 10);

  return (req, res) => {
    const path = pathOf(req.url ?? "");
    const note = { code: "", reason: "" };
    if (options.log !== undefined) {
      const { log } = options;
      const started = process.hrtime.bigint();
      res.on("close", () => {
        const micros = Number((process.hrtime.bigint() - started) / 1000n);
        log({ method: req.method ?? "", path, status: res.statusCode, ...note, micros });
      });
    }

    const method = methods.get(path);
    if (method === undefined) return plain(req, res, 404, "no such RPC");
    if (req.method !== "POST") return plain(req, res, 405, "RPCs are called with POST", { Allow: "POST" });
    const type = bodyType(req.headers["content-type"]);
    if (type === undefined || type.kind !== method.kind || (type.codec.name === "json" && !speaksJson)) {
      return plain(req, res, 415, "this RPC does not take that content type", {
        "Accept-Post": acceptPost(method, speaksJson),
      });
    }

    const fail = (error: unknown) => {
      if (req.destroyed && !req.complete) return; // cut off: nobody is there to be told
      const refusal = error instanceof Refusal ? error : new Refusal("internal", "the server failed");
      if (!(error instanceof Refusal)) console.error(error);
      note.code = refusal.code;
      note.reason = refusal.detail === undefined ? "" : (Reason[refusal.detail.reason] ?? "");
      if (method.kind === "stream") return openStream(req, res, type).end(refusal);
      const body = Buffer.from(JSON.stringify(errorJson(refusal)));
      finish(req, res, HTTP_STATUS[refusal.code], "application/json", body);
    };
    // Functions that are called back, where promises would cost a fifth of the time of a call.
    try {
      const caller = admit(method, type, req, res);
      readBody(req, maxBodyBytes, method.name, fail, (body) =>
        answer(method, type, caller, body, req, res)?.catch(fail),
      );
    } catch (error) {
      fail(error);
    }
  };

  /** Says who calls, before the body is looked at: who has no credential learns nothing of it, and cannot make the server keep it. */
  function admit(method: Method, type: BodyType, req: IncomingMessage, res: ServerResponse): Caller | undefined {
    const encoding = req.headers[type.kind === "unary" ? "content-encoding" : "connect-content-encoding"] ?? "identity";
    if (encoding !== "identity") {
      res.setHeader("Accept-Encoding", "identity");
      throw new Refusal("unimplemented", "bodies are taken uncompressed only");
    }
    const { authorization } = req.headers;
    if (method.credential === "fixture") checkFixtureToken(authorization);
    return method.credential === "account" ? service.accounts.authenticate(authorization) : undefined;
  }

  /** Makes the call. At once, unless the operation was replaced by one that takes its time. */
  function answer(
    method: Method,
    type: BodyType,
    caller: Caller | undefined,
    body: Buffer,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> | undefined {
    const request = decode(type.codec, method.input, method.kind === "stream" ? openEnvelope(body) : body);
    // While the body came in, the credential may have been revoked.
    if (caller !== undefined) service.accounts.authenticate(req.headers.authorization);

    if (method.kind === "stream") {
      method.open(service, caller as Caller, openStream(req, res, type));
      return undefined;
    }
    const called =
      method.credential === "account" ? method.call(service, caller as Caller, request) : method.call(service, request);
    const respond = (response: unknown) =>
      finish(req, res, 200, type.contentType, type.codec.encode(method.output, response as MessageShape<DescMessage>));
    if (called instanceof Promise) return called.then(respond);
    respond(called);
    return undefined;
  }

  function checkFixtureToken(authorization: string | undefined): void {
    if (fixtureHash === undefined) return;
    const token = bearerToken(authorization);
    if (token === undefined || !timingSafeEqual(Buffer.from(hash(token)), fixtureHash)) {
      throw refuse(Reason.CREDENTIAL_INVALID, "the fixtures ask for their own bearer token");
    }
  }
}

const pathOf = (url: string) => {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
};

/**
 * Reads a body to its declared end, then calls `done` with it. A body that ends early fails, so that it has no effect
 * (HTTP-CUT-REQUEST). By events: an iterator over a request costs more than all else that is done here for a call.
 */
function readBody(
  req: IncomingMessage,
  maxBytes: number,
  name: string,
  fail: (error: unknown) => void,
  done: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let over = false;
  const giveUp = (error: unknown) => {
    if (over) return;
    over = true;
    fail(error);
  };
  req.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) return void chunks.push(chunk);
    // What comes of it now is not kept, and the connection ends with the answer.
    req.pause();
    const reason = name === "Send" ? Reason.PAYLOAD_TOO_LARGE : Reason.MALFORMED;
    giveUp(refuse(reason, `the body is longer than ${maxBytes} bytes`));
  });
  req.on("end", () => {
    if (over) return;
    if (!req.complete) return giveUp(new Error("the request was cut off"));
    over = true;
    try {
      done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    } catch (error) {
      fail(error);
    }
  });
  req.on("error", giveUp);
}

/** An answer below the level of RPCs; its text is for people. */
function plain(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
) {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  finish(req, res, status, "text/plain", Buffer.from(`${text}\n`));
}

function finish(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  contentType: string,
  body: Uint8Array,
): void {
  // What is left of a body that nobody read cannot be skipped within bounds: the connection is given up instead.
  if (!req.complete) res.setHeader("Connection", "close");
  // An answer is about one account at one moment: nobody on the way may keep it.
  res.writeHead(status, { "Content-Type": contentType, "Content-Length": body.length, "Cache-Control": "no-store" });
  res.end(body);
}

const acceptPost = (method: Method, json: boolean) => {
  const prefix = method.kind === "stream" ? "application/connect+" : "application/";
  return json ? `${prefix}proto, ${prefix}json` : `${prefix}proto`;
};
