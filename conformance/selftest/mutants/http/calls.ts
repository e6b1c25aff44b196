import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { endEnvelope } from "../../../../reference-server/http/codec.js";
import {
  type Answer,
  editRequests,
  errorOf,
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

/** Lets an RPC be called by GET, as Connect does with what has no side effects. */
const byGet =
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

/** An answer about which nothing is said to caches. */
function storable(answer: Answer): Answer {
  const { "cache-control": _, ...headers } = answer.headers;
  return { ...answer, headers };
}

/** Says nothing to caches about the refusals for one reason. */
const storableFor = (reason: Reason) =>
  mapResponses((answer) =>
    errorOf(answer)?.details?.[0]?.debug.reason === `REASON_${Reason[reason]}` ? storable(answer) : answer,
  );

/** Faults of the chapter "HTTP binding": paths, methods and headers. */
export const httpCalls: readonly Mutant[] = [
  {
    name: "http-path-on-a-used-connection",
    breaks: "HTTP-PATH",
    about: "a call that follows an error on its connection is not found",
    handler: (real) => {
      const failed = new WeakSet<object>();
      const judged = mapResponses((answer, { socket }) => {
        if (answer.status === 400) failed.add(socket);
        return answer;
      })(real);
      return respondInstead(({ socket }) => (failed.delete(socket) ? { status: 404 } : undefined))(judged);
    },
  },
  {
    name: "http-path-of-send",
    breaks: "HTTP-PATH",
    about: "Send is served as SendMessage",
    handler: respondInstead((req) => (rpcOf(req) === "Send" ? { status: 404 } : undefined)),
  },
  {
    name: "http-unknown-rpc-is-unimplemented",
    breaks: "HTTP-NOT-FOUND",
    about: "an unknown RPC is answered with 501 and a Connect error",
    handler: (real) =>
      mapResponses((answer, req) =>
        answer.status === 404 && req.url?.includes("/seqsync.") && answer.headers["content-type"] === "text/plain"
          ? {
              status: 501,
              headers: { "content-type": "application/json" },
              body: Buffer.from('{"code":"unimplemented"}'),
            }
          : answer,
      )(real),
  },
  {
    name: "http-path-by-its-beginning",
    breaks: "HTTP-NOT-FOUND",
    about: "a path that begins like Send's is taken for it",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(SeqSyncService\/Send)\w+$/, "$1");
    }),
  },
  {
    name: "http-path-with-a-slash",
    breaks: "HTTP-NOT-FOUND",
    about: "a framework's router takes a path with a slash at its end for the one without",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(.)\/$/, "$1");
    }),
  },
  {
    name: "http-path-without-case",
    breaks: "HTTP-NOT-FOUND",
    about: "a framework's router compares paths without regard to case",
    handler: editRequests((req) => {
      req.url = req.url?.replace(/(SeqSyncService\/)send$/, "$1Send");
    }),
  },
  {
    name: "http-type-before-path",
    breaks: "HTTP-NOT-FOUND",
    about: "the content type is looked at before the path: 415 at a path that there is not",
    handler: mapResponses((answer, req) => {
      const isType = /^application\/(connect\+)?(proto|json)/i.test(req.headers["content-type"] ?? "");
      return answer.status === 404 && errorOf(answer) === undefined && !isType ? { ...answer, status: 415 } : answer;
    }),
  },
  {
    name: "http-any-method",
    breaks: "HTTP-METHOD",
    about: "PUT is taken like POST",
    handler: editRequests((req) => {
      if (req.method === "PUT") req.method = "POST";
    }),
  },
  {
    name: "http-sync-by-get",
    breaks: "HTTP-METHOD",
    about: "Sync can be called by GET, as if it had no side effects",
    handler: byGet("Sync"),
  },
  {
    name: "http-info-by-get",
    breaks: "HTTP-METHOD",
    about: "GetServerInfo is marked as free of side effects, so a Connect library answers it by GET",
    handler: byGet("GetServerInfo"),
  },
  {
    name: "http-other-methods-like-post",
    breaks: "HTTP-METHOD",
    about: "GET, HEAD, PUT, PATCH and DELETE are refused, and all other methods are taken like POST",
    handler: editRequests((req) => {
      if (!OTHER_METHODS.includes(req.method ?? "")) req.method = "POST";
    }),
  },
  {
    name: "http-type-before-method",
    breaks: "HTTP-METHOD",
    about: "the content type is looked at before the method: a GET without one is answered with 415",
    handler: respondInstead((req) =>
      req.method !== "POST" && rpcOf(req) !== "Sync" && req.headers["content-type"] === undefined
        ? { status: 415 }
        : undefined,
    ),
  },
  {
    name: "http-other-method-not-found",
    breaks: "HTTP-METHOD",
    about: "other methods than POST are answered with 404",
    handler: respondInstead((req) =>
      OTHER_METHODS.includes(req.method ?? "") && req.url?.includes("SeqSyncService/") ? { status: 404 } : undefined,
    ),
  },
  {
    name: "http-empty-body-refused",
    breaks: "HTTP-BINARY",
    about: "a Sync with an empty body, which is the empty message, is refused",
    operations: wrapSync((real) => (service, caller, request) => {
      if (request.cliSeq === 0 && request.epoch === "" && request.pageSize === 0)
        throw refuse(Reason.MALFORMED, "the body is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "http-created",
    breaks: "HTTP-BINARY",
    about: "a Send that is accepted is answered with 201",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "Send" && answer.status === 200 ? { ...answer, status: 201 } : answer,
    ),
  },
  {
    name: "http-range-is-honoured",
    breaks: "HTTP-BINARY",
    about: "a cache in front answers a part of the answer, with 206, to a call with a Range",
    handler: mapResponses((answer, req) =>
      req.headers.range !== undefined && answer.status === 200
        ? { ...answer, status: 206, body: answer.body.subarray(0, 2) }
        : answer,
    ),
  },
  {
    name: "http-answer-in-an-envelope",
    breaks: "HTTP-BINARY",
    about: "the binary answer of Sync has the five bytes before it that belong to streams",
    handler: mapResponses((answer, req) => {
      if (rpcOf(req) !== "Sync" || isJson(req) || answer.status !== 200) return answer;
      const head = Buffer.alloc(5);
      head.writeUInt32BE(answer.body.length, 1);
      return { ...answer, body: Buffer.concat([head, answer.body]) };
    }),
  },
  {
    name: "http-version-header-required",
    breaks: "HTTP-VERSION-HEADER",
    about: "a call without Connect-Protocol-Version is refused",
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
    about: "a Send without Connect-Protocol-Version is a bad request",
    handler: respondInstead((req) =>
      req.method === "POST" && rpcOf(req) === "Send" && req.headers["connect-protocol-version"] === undefined
        ? { status: 400 }
        : undefined,
    ),
  },
  {
    name: "http-version-header-of-watch",
    breaks: "HTTP-VERSION-HEADER",
    about: "a Watch without Connect-Protocol-Version is refused in its stream, as some Connect libraries can do",
    handler: (real) => (req, res) => {
      const type = req.headers["content-type"] ?? "";
      const isRight = req.method === "POST" && rpcOf(req) === "Watch" && /^application\/connect\+/.test(type);
      if (!isRight || req.headers["connect-protocol-version"] !== undefined) return real(req, res);
      req.resume();
      res.writeHead(200, { "content-type": type });
      return res.end(endEnvelope(new Refusal("invalid_argument", "missing required header")));
    },
  },
  {
    name: "http-storable-answers",
    breaks: "HTTP-NO-STORE",
    about: "the answers of Sync may be stored",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "Sync" && answer.status === 200 ? storable(answer) : answer,
    ),
  },
  {
    name: "http-storable-when-there-is-nothing",
    breaks: "HTTP-NO-STORE",
    about: "the answer to a Sync that brings nothing may be kept",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "Sync" && answer.status === 200 && answer.body.length < 70 ? storable(answer) : answer,
    ),
  },
  {
    name: "http-storable-repetitions",
    breaks: "HTTP-NO-STORE",
    about: "a repeated Send is answered by a middleware, which says nothing about caches",
    handler: (real) => {
      const seen = new Set<string>();
      return async (req, res) => {
        if (rpcOf(req) !== "Send") return real(req, res);
        const body = await readAll(req);
        if (body === undefined) return undefined;
        const key = `${req.headers.authorization} ${body.toString("hex")}`;
        const wasSeen = seen.has(key);
        return mapResponses((answer) => {
          if (answer.status === 200) seen.add(key);
          return wasSeen && answer.status === 200 ? storable(answer) : answer;
        })(real)(withBody(req, body), res);
      };
    },
  },
  {
    name: "http-storable-reuse",
    breaks: "HTTP-NO-STORE",
    about: "the refusal of a reused id comes from an exception handler that says nothing about caches",
    handler: storableFor(Reason.CLIENT_MESSAGE_ID_REUSED),
  },
  {
    name: "http-storable-full-inbox",
    breaks: "HTTP-NO-STORE",
    about: "an inbox takes 100 messages, and the refusal of one more says nothing about caches",
    options: { maxBacklog: 100 },
    handler: storableFor(Reason.BACKLOG_FULL),
  },
  {
    name: "http-storable-errors",
    breaks: "HTTP-NO-STORE",
    about: "errors may be stored",
    handler: mapResponses((answer) =>
      answer.status === 200 ? answer : { ...answer, headers: { ...answer.headers, "cache-control": "private" } },
    ),
  },
  {
    name: "http-answer-kept-for-the-connection",
    breaks: "SEND-VISIBLE",
    about:
      "the same Sync twice within 300 milliseconds on one connection gets the same answer, whatever came in between",
    handler: (real) => async (req, res) => {
      if (rpcOf(req) !== "Sync") return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      const key = `${req.headers.authorization} ${req.headers["content-type"]} ${body.toString("hex")}`;
      const kept = keptAnswers.get(req.socket);
      if (kept?.key === key && kept.until > performance.now()) {
        res.writeHead(200, { "content-type": req.headers["content-type"], "cache-control": "no-store" });
        return res.end(kept.body);
      }
      return mapResponses((answer) => {
        if (answer.status === 200)
          keptAnswers.set(req.socket, { key, body: answer.body, until: performance.now() + 300 });
        return answer;
      })(real)(withBody(req, body), res);
    },
  },
  {
    name: "http-method-by-header",
    breaks: "HTTP-METHOD",
    about: "a framework takes the method from X-HTTP-Method-Override",
    handler: editRequests((req) => {
      if (req.headers["x-http-method-override"] === "POST") req.method = "POST";
    }),
  },
  {
    name: "http-malformed-may-be-stored",
    breaks: "HTTP-NO-STORE",
    about: "refusals of what does not decode come from a layer that says nothing about caches",
    handler: storableFor(Reason.MALFORMED),
  },
];

const keptAnswers = new WeakMap<object, { key: string; body: Buffer; until: number }>();
