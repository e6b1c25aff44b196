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

/** A request and its response, for a log. Contains neither a credential nor a payload. */
export interface LogEntry {
  /** HTTP method. */
  method: string;
  /** Path, without the query. */
  path: string;
  /** HTTP status. */
  status: number;
  /** Connect code of an error, such as "out_of_range" (errors.md); otherwise empty. */
  code: string;
  /** Reason of an error, such as "CLI_SEQ_AHEAD" (errors.md); otherwise empty. */
  reason: string;
  /** Time from the request to the end of its response, in microseconds. */
  micros: number;
}

/** Options of the HTTP handler. */
export interface HandlerOptions {
  /**
   * Whether to serve the FixtureService, which creates accounts for every client (fixtures.md).
   * @default false
   */
  fixtures?: boolean;
  /**
   * Credential that the FixtureService requires.
   * @default none
   */
  fixtureToken?: string;
  /** Is called after the end of each response. */
  log?: (entry: LogEntry) => void;
  /**
   * Operations that replace the server's own. For the mutants in `conformance/selftest/mutants`.
   * @internal
   */
  operations?: Partial<Operations>;
}

/**
 * Creates a request listener that serves the protocol over HTTP (http.md): it finds the RPC, the codec and the caller,
 * then reads the request, calls the operation, and responds.
 */
export function createHandler(service: Service, options: HandlerOptions = {}): RequestListener {
  const methods = methodTable(service, { ...operations, ...options.operations }, options.fixtures ?? false);
  const servesJson = service.options.profiles.includes(Profile.JSON);
  const fixtureHash = options.fixtureToken === undefined ? undefined : Buffer.from(hash(options.fixtureToken));
  // The largest payload in base64, and 64 KiB for all other fields.
  const maxBodyBytes = Math.ceil((service.options.maxPayloadBytes * 4) / 3) + (64 << 10);

  return (req, res) => {
    const path = pathOf(req.url ?? "");
    const failure = { code: "", reason: "" };
    if (options.log !== undefined) {
      const { log } = options;
      const started = process.hrtime.bigint();
      res.on("close", () => {
        const micros = Number((process.hrtime.bigint() - started) / 1000n);
        log({ method: req.method ?? "", path, status: res.statusCode, ...failure, micros });
      });
    }

    const method = methods.get(path);
    if (method === undefined) return plain(req, res, 404, "no such RPC");
    if (req.method !== "POST") return plain(req, res, 405, "RPCs require POST", { Allow: "POST" });
    const type = bodyType(req.headers["content-type"]);
    if (type === undefined || type.kind !== method.kind || (type.codec.name === "json" && !servesJson)) {
      return plain(req, res, 415, "this RPC does not accept this content type", {
        "Accept-Post": acceptPost(method, servesJson),
      });
    }

    const fail = (error: unknown) => {
      if (req.destroyed && !req.complete) return; // the request was cut off: there is no client to respond to
      const refusal = error instanceof Refusal ? error : new Refusal("internal", "internal error");
      if (!(error instanceof Refusal)) console.error(error);
      failure.code = refusal.code;
      failure.reason = refusal.detail === undefined ? "" : (Reason[refusal.detail.reason] ?? "");
      if (method.kind === "stream") return openStream(req, res, type).end(refusal);
      const body = Buffer.from(JSON.stringify(errorJson(refusal)));
      finish(req, res, HTTP_STATUS[refusal.code], "application/json", body);
    };
    // Callbacks instead of promises save a fifth of the time of a call.
    try {
      const caller = authenticate(method, type, req, res);
      readBody(req, maxBodyBytes, method.name, fail, (body) =>
        respond(method, type, caller, body, req, res)?.catch(fail),
      );
    } catch (error) {
      fail(error);
    }
  };

  /**
   * Authenticates the caller before reading the body: a client without a credential cannot make the server store a
   * body.
   */
  function authenticate(method: Method, type: BodyType, req: IncomingMessage, res: ServerResponse): Caller | undefined {
    const encoding = req.headers[type.kind === "unary" ? "content-encoding" : "connect-content-encoding"] ?? "identity";
    if (encoding !== "identity") {
      res.setHeader("Accept-Encoding", "identity");
      throw new Refusal("unimplemented", "only uncompressed bodies are supported");
    }
    const { authorization } = req.headers;
    if (method.credential === "fixture") checkFixtureToken(authorization);
    return method.credential === "account" ? service.accounts.authenticate(authorization) : undefined;
  }

  /** Calls the operation and responds. Synchronous, unless the operation was replaced by an asynchronous one. */
  function respond(
    method: Method,
    type: BodyType,
    caller: Caller | undefined,
    body: Buffer,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> | undefined {
    const request = decode(type.codec, method.input, method.kind === "stream" ? openEnvelope(body) : body);
    // The token may have been revoked while the body was being received.
    if (caller !== undefined) service.accounts.authenticate(req.headers.authorization);

    if (method.kind === "stream") {
      method.open(service, caller as Caller, openStream(req, res, type));
      return undefined;
    }
    const result =
      method.credential === "account" ? method.call(service, caller as Caller, request) : method.call(service, request);
    const finishWith = (response: unknown) =>
      finish(req, res, 200, type.contentType, type.codec.encode(method.output, response as MessageShape<DescMessage>));
    if (result instanceof Promise) return result.then(finishWith);
    finishWith(result);
    return undefined;
  }

  function checkFixtureToken(authorization: string | undefined): void {
    if (fixtureHash === undefined) return;
    const token = bearerToken(authorization);
    if (token === undefined || !timingSafeEqual(Buffer.from(hash(token)), fixtureHash)) {
      throw refuse(Reason.CREDENTIAL_INVALID, "the FixtureService requires its own bearer token");
    }
  }
}

const pathOf = (url: string) => {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
};

/**
 * Reads a whole body, then calls `done` with it. A body that ends early fails, so that it has no effect
 * (HTTP-CUT-REQUEST). Uses events, because an iterator over the request costs more than the rest of the call.
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
  let ended = false;
  const abort = (error: unknown) => {
    if (ended) return;
    ended = true;
    fail(error);
  };
  req.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) return void chunks.push(chunk);
    // The rest of the body is not read, and the connection is closed after the response.
    req.pause();
    const reason = name === "Send" ? Reason.PAYLOAD_TOO_LARGE : Reason.MALFORMED;
    abort(refuse(reason, `the body is longer than ${maxBytes} bytes`));
  });
  req.on("end", () => {
    if (ended) return;
    if (!req.complete) return abort(new Error("the request was cut off"));
    ended = true;
    try {
      done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    } catch (error) {
      fail(error);
    }
  });
  req.on("error", abort);
}

/** Responds to a request that is not an RPC. The text is for people. */
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
  // The unread rest of a body may be arbitrarily long, so the server closes the connection instead of reading it.
  if (!req.complete) res.setHeader("Connection", "close");
  // A response is valid for one account at one moment, so no cache may store it.
  res.writeHead(status, { "Content-Type": contentType, "Content-Length": body.length, "Cache-Control": "no-store" });
  res.end(body);
}

const acceptPost = (method: Method, json: boolean) => {
  const prefix = method.kind === "stream" ? "application/connect+" : "application/";
  return json ? `${prefix}proto, ${prefix}json` : `${prefix}proto`;
};
