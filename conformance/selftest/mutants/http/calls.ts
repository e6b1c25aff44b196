import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { endEnvelope } from "../../../../reference-server/http/codec.js";
import {
  editRequests,
  errorOf,
  type HttpResponse,
  isJson,
  mapResponses,
  readAll,
  respondInstead,
  rpcOf,
  withBody,
  wrapSync,
} from "../interceptors.js";
import type { Mutant } from "../mutant.js";

const OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE"];

/** Accepts an RPC by GET, as Connect does for an RPC without side effects. */
const allowGet =
  (rpc: string): NonNullable<Mutant["handler"]> =>
  (real) =>
  (req, res) => {
    const { searchParams } = new URL(req.url ?? "/", "http://localhost");
    const message = searchParams.get("message");
    if (req.method !== "GET" || rpcOf(req) !== rpc || message === null) return real(req, res);
    const get = withBody(req, Buffer.from(message, "base64url"));
    get.method = "POST";
    get.headers["content-type"] = `application/${searchParams.get("encoding")}`;
    return real(get, res);
  };

/** Removes Cache-Control from a response. */
function withoutCacheControl(response: HttpResponse): HttpResponse {
  const { "cache-control": _, ...headers } = response.headers;
  return { ...response, headers };
}

/** Removes Cache-Control from the refusals for one reason. */
const withoutCacheControlFor = (reason: Reason) =>
  mapResponses((response) =>
    errorOf(response)?.details?.[0]?.debug.reason === `REASON_${Reason[reason]}`
      ? withoutCacheControl(response)
      : response,
  );

/** Mutants of the chapter "HTTP binding": paths, methods and headers. */
export const httpCalls: readonly Mutant[] = [
  {
    name: "http-path-on-a-used-connection",
    breaks: "HTTP-PATH",
    about: "responds with 404 to a call that follows an error on the same connection",
    handler: (real) => {
      const failed = new WeakSet<object>();
      const recording = mapResponses((response, { socket }) => {
        if (response.status === 400) failed.add(socket);
        return response;
      })(real);
      return respondInstead(({ socket }) => (failed.delete(socket) ? { status: 404 } : undefined))(recording);
    },
  },
  {
    name: "http-path-of-send",
    breaks: "HTTP-PATH",
    about: "serves Send under the path SendMessage",
    handler: respondInstead((req) => (rpcOf(req) === "Send" ? { status: 404 } : undefined)),
  },
  {
    name: "http-unknown-rpc-is-unimplemented",
    breaks: "HTTP-NOT-FOUND",
    about: "responds to an unknown RPC with 501 and a Connect error",
    handler: (real) =>
      mapResponses((response, req) =>
        response.status === 404 && req.url?.includes("/seqsync.") && response.headers["content-type"] === "text/plain"
          ? {
              status: 501,
              headers: { "content-type": "application/json" },
              body: Buffer.from('{"code":"unimplemented"}'),
            }
          : response,
      )(real),
  },
  {
    name: "http-path-by-its-beginning",
    breaks: "HTTP-NOT-FOUND",
    about: "treats a path that begins with Send's path as Send",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(SeqSyncService\/Send)\w+$/, "$1");
    }),
  },
  {
    name: "http-path-with-a-slash",
    breaks: "HTTP-NOT-FOUND",
    about: "accepts a path with a trailing slash, as some routers do",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(.)\/$/, "$1");
    }),
  },
  {
    name: "http-path-without-case",
    breaks: "HTTP-NOT-FOUND",
    about: "matches paths case-insensitively, as some routers do",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(SeqSyncService\/)send$/, "$1Send");
    }),
  },
  {
    name: "http-type-before-path",
    breaks: "HTTP-NOT-FOUND",
    about: "checks the content type before the path: responds with 415 to an unknown path",
    handler: mapResponses((response, req) => {
      const isType = /^application\/(connect\+)?(proto|json)/i.test(req.headers["content-type"] ?? "");
      return response.status === 404 && errorOf(response) === undefined && !isType
        ? { ...response, status: 415 }
        : response;
    }),
  },
  {
    name: "http-any-method",
    breaks: "HTTP-METHOD",
    about: "accepts PUT like POST",
    handler: editRequests((req) => {
      if (req.method === "PUT") req.method = "POST";
    }),
  },
  {
    name: "http-sync-by-get",
    breaks: "HTTP-METHOD",
    about: "accepts Sync by GET, as if it had no side effects",
    handler: allowGet("Sync"),
  },
  {
    name: "http-info-by-get",
    breaks: "HTTP-METHOD",
    about: "accepts GetServerInfo by GET, as Connect libraries do for an RPC marked as free of side effects",
    handler: allowGet("GetServerInfo"),
  },
  {
    name: "http-other-methods-like-post",
    breaks: "HTTP-METHOD",
    about: "rejects GET, HEAD, PUT, PATCH and DELETE, and treats every other method like POST",
    handler: editRequests((req) => {
      if (!OTHER_METHODS.includes(req.method ?? "")) req.method = "POST";
    }),
  },
  {
    name: "http-type-before-method",
    breaks: "HTTP-METHOD",
    about: "checks the content type before the method: responds with 415 to a GET without one",
    handler: respondInstead((req) =>
      req.method !== "POST" && rpcOf(req) !== "Sync" && req.headers["content-type"] === undefined
        ? { status: 415 }
        : undefined,
    ),
  },
  {
    name: "http-other-method-not-found",
    breaks: "HTTP-METHOD",
    about: "responds with 404 to methods other than POST",
    handler: respondInstead((req) =>
      OTHER_METHODS.includes(req.method ?? "") && req.url?.includes("SeqSyncService/") ? { status: 404 } : undefined,
    ),
  },
  {
    name: "http-empty-body-refused",
    breaks: "HTTP-BINARY",
    about: "refuses a Sync with an empty body, which is a valid empty message",
    operations: wrapSync((real) => (service, caller, request) => {
      if (request.cliSeq === 0 && request.epoch === "" && request.pageSize === 0)
        throw refuse(Reason.MALFORMED, "the body is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "http-created",
    breaks: "HTTP-BINARY",
    about: "responds to an accepted Send with status 201",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "Send" && response.status === 200 ? { ...response, status: 201 } : response,
    ),
  },
  {
    name: "http-range-is-honoured",
    breaks: "HTTP-BINARY",
    about: "responds to a request with a Range header with 206 and a part of the body",
    handler: mapResponses((response, req) =>
      req.headers.range !== undefined && response.status === 200
        ? { ...response, status: 206, body: response.body.subarray(0, 2) }
        : response,
    ),
  },
  {
    name: "http-answer-in-an-envelope",
    breaks: "HTTP-BINARY",
    about: "puts the five-byte envelope of streams in front of a binary Sync response",
    handler: mapResponses((response, req) => {
      if (rpcOf(req) !== "Sync" || isJson(req) || response.status !== 200) return response;
      const head = Buffer.alloc(5);
      head.writeUInt32BE(response.body.length, 1);
      return { ...response, body: Buffer.concat([head, response.body]) };
    }),
  },
  {
    name: "http-version-header-required",
    breaks: "HTTP-VERSION-HEADER",
    about: "refuses Send and Sync without Connect-Protocol-Version",
    handler: (real) =>
      respondInstead((req) =>
        req.url?.includes("SeqSyncService/S") && req.headers["connect-protocol-version"] === undefined
          ? { status: 400, body: '{"code":"invalid_argument","message":"missing required header"}' }
          : undefined,
      )(real),
  },
  {
    name: "http-version-header-of-send",
    breaks: "HTTP-VERSION-HEADER",
    about: "responds with 400 to a Send without Connect-Protocol-Version",
    handler: respondInstead((req) =>
      req.method === "POST" && rpcOf(req) === "Send" && req.headers["connect-protocol-version"] === undefined
        ? { status: 400 }
        : undefined,
    ),
  },
  {
    name: "http-version-header-of-watch",
    breaks: "HTTP-VERSION-HEADER",
    about: "refuses a Watch without Connect-Protocol-Version, as some Connect libraries can be configured to",
    handler: (real) => (req, res) => {
      const type = req.headers["content-type"] ?? "";
      const isWatch = req.method === "POST" && rpcOf(req) === "Watch" && /^application\/connect\+/.test(type);
      if (!isWatch || req.headers["connect-protocol-version"] !== undefined) return real(req, res);
      req.resume();
      res.writeHead(200, { "content-type": type });
      return res.end(endEnvelope(new Refusal("invalid_argument", "missing required header")));
    },
  },
  {
    name: "http-storable-answers",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from Sync responses",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "Sync" && response.status === 200 ? withoutCacheControl(response) : response,
    ),
  },
  {
    name: "http-storable-when-there-is-nothing",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from Sync responses without messages",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "Sync" && response.status === 200 && response.body.length < 70
        ? withoutCacheControl(response)
        : response,
    ),
  },
  {
    name: "http-storable-repetitions",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from the response to a retried Send",
    handler: (real) => {
      const seen = new Set<string>();
      return async (req, res) => {
        if (rpcOf(req) !== "Send") return real(req, res);
        const body = await readAll(req);
        if (body === undefined) return undefined;
        const key = `${req.headers.authorization} ${body.toString("hex")}`;
        const wasSeen = seen.has(key);
        return mapResponses((response) => {
          if (response.status === 200) seen.add(key);
          return wasSeen && response.status === 200 ? withoutCacheControl(response) : response;
        })(real)(withBody(req, body), res);
      };
    },
  },
  {
    name: "http-storable-reuse",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from the refusal of a reused id",
    handler: withoutCacheControlFor(Reason.CLIENT_MESSAGE_ID_REUSED),
  },
  {
    name: "http-storable-full-inbox",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from a BACKLOG_FULL refusal",
    options: { maxBacklog: 100 },
    handler: withoutCacheControlFor(Reason.BACKLOG_FULL),
  },
  {
    name: "http-storable-errors",
    breaks: "HTTP-NO-STORE",
    about: "sends errors with Cache-Control: private, which allows the client to store them",
    handler: mapResponses((response) =>
      response.status === 200
        ? response
        : { ...response, headers: { ...response.headers, "cache-control": "private" } },
    ),
  },
  {
    name: "http-answer-kept-for-the-connection",
    breaks: "SEND-VISIBLE",
    about: "repeats a Sync response for 300 ms if the same request comes on the same connection",
    handler: (real) => async (req, res) => {
      if (rpcOf(req) !== "Sync") return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      const key = `${req.headers.authorization} ${req.headers["content-type"]} ${body.toString("hex")}`;
      const cached = cachedResponses.get(req.socket);
      if (cached?.key === key && cached.until > performance.now()) {
        res.writeHead(200, { "content-type": req.headers["content-type"], "cache-control": "no-store" });
        return res.end(cached.body);
      }
      return mapResponses((response) => {
        if (response.status === 200)
          cachedResponses.set(req.socket, { key, body: response.body, until: performance.now() + 300 });
        return response;
      })(real)(withBody(req, body), res);
    },
  },
  {
    name: "http-method-by-header",
    breaks: "HTTP-METHOD",
    about: "takes the method from X-HTTP-Method-Override, as some frameworks do",
    handler: editRequests((req) => {
      if (req.headers["x-http-method-override"] === "POST") req.method = "POST";
    }),
  },
  {
    name: "http-malformed-may-be-stored",
    breaks: "HTTP-NO-STORE",
    about: "omits Cache-Control from the refusal of a malformed body",
    handler: withoutCacheControlFor(Reason.MALFORMED),
  },
];

const cachedResponses = new WeakMap<object, { key: string; body: Buffer; until: number }>();
