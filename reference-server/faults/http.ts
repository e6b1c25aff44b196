import { gzipSync } from "node:zlib";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { refuse } from "../errors.js";
import type { Fault } from "./fault.js";
import { answers, errorOf, errors, instead, isJson, readAll, requests, rpcOf, syncing, withBody } from "./seams.js";

const OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE"];

/** Faults of the chapter "HTTP binding": paths, methods, headers and compression. */
export const http: readonly Fault[] = [
  {
    name: "http-path-on-a-used-connection",
    breaks: "HTTP-PATH",
    about: "a call that follows an error on its connection is not found",
    handler: (real) => {
      const failed = new WeakSet<object>();
      const judged = answers((answer, { socket }) => {
        if (answer.status === 400) failed.add(socket);
        return answer;
      })(real);
      return instead(({ socket }) => (failed.delete(socket) ? { status: 404 } : undefined))(judged);
    },
  },
  {
    name: "http-path-of-send",
    breaks: "HTTP-PATH",
    about: "Send is served as SendMessage",
    handler: instead((req) => (rpcOf(req) === "Send" ? { status: 404 } : undefined)),
  },
  {
    name: "http-unknown-rpc-is-unimplemented",
    breaks: "HTTP-NOT-FOUND",
    about: "an unknown RPC is answered with 501 and a Connect error",
    handler: (real) =>
      answers((answer, req) =>
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
    handler: requests((req) => {
      req.url = req.url?.replace(/(SeqSyncService\/Send)\w+$/, "$1");
    }),
  },
  {
    name: "http-any-method",
    breaks: "HTTP-METHOD",
    about: "PUT is taken like POST",
    handler: requests((req) => {
      if (req.method === "PUT") req.method = "POST";
    }),
  },
  {
    name: "http-sync-by-get",
    breaks: "HTTP-METHOD",
    about: "Sync can be called by GET, as if it had no side effects",
    handler: (real) => (req, res) => {
      const { searchParams } = new URL(req.url ?? "/", "http://localhost");
      const message = searchParams.get("message");
      if (req.method !== "GET" || rpcOf(req) !== "Sync" || message === null) return real(req, res);
      const get = withBody(req, Buffer.from(message, "base64url"));
      get.method = "POST";
      get.headers["content-type"] = `application/${searchParams.get("encoding")}`;
      return real(get, res);
    },
  },
  {
    name: "http-other-method-not-found",
    breaks: "HTTP-METHOD",
    about: "other methods than POST are answered with 404",
    handler: instead((req) =>
      OTHER_METHODS.includes(req.method ?? "") && req.url?.includes("SeqSyncService/") ? { status: 404 } : undefined,
    ),
  },
  {
    name: "http-empty-body-refused",
    breaks: "HTTP-BINARY",
    about: "a Sync with an empty body, which is the empty message, is refused",
    operations: syncing((real) => (service, caller, request) => {
      if (request.cliSeq === 0 && request.epoch === "" && request.pageSize === 0)
        throw refuse(Reason.MALFORMED, "the body is missing");
      return real(service, caller, request);
    }),
  },
  {
    name: "http-created",
    breaks: "HTTP-BINARY",
    about: "a Send that is accepted is answered with 201",
    handler: answers((answer, req) =>
      rpcOf(req) === "Send" && answer.status === 200 ? { ...answer, status: 201 } : answer,
    ),
  },
  {
    name: "http-answer-in-an-envelope",
    breaks: "HTTP-BINARY",
    about: "the binary answer of Sync has the five bytes before it that belong to streams",
    handler: answers((answer, req) => {
      if (rpcOf(req) !== "Sync" || isJson(req) || answer.status !== 200) return answer;
      const head = Buffer.alloc(5);
      head.writeUInt32BE(answer.body.length, 1);
      return { ...answer, body: Buffer.concat([head, answer.body]) };
    }),
  },
  {
    name: "http-answer-type-of-google",
    breaks: "HTTP-ANSWER-TYPE",
    about: "binary answers to Send have the type application/x-protobuf",
    handler: answers((answer, req) =>
      rpcOf(req) === "Send" && answer.headers["content-type"] === "application/proto"
        ? { ...answer, headers: { ...answer.headers, "content-type": "application/x-protobuf" } }
        : answer,
    ),
  },
  {
    name: "http-answer-type-by-accept",
    breaks: "HTTP-ANSWER-TYPE",
    about: "an Accept header decides the type that the answer says it has",
    handler: answers((answer, req) => {
      const accept = req.headers.accept ?? "*/*";
      return answer.status === 200 && accept.startsWith("application/")
        ? { ...answer, headers: { ...answer.headers, "content-type": accept } }
        : answer;
    }),
  },
  {
    name: "http-type-with-case",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "media types are compared with regard to case",
    handler: instead((req) => (/[A-Z]/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-without-charset",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "application/json; charset=utf-8 is no JSON",
    handler: instead((req) => (/charset/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-missing-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "a body without a content type is taken as binary",
    handler: requests((req) => {
      if (rpcOf(req) !== "Watch") req.headers["content-type"] ??= "application/proto";
    }),
  },
  {
    name: "http-type-unknown-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "application/octet-stream is taken as binary",
    handler: requests((req) => {
      if (req.headers["content-type"] === "application/octet-stream") req.headers["content-type"] = "application/proto";
    }),
  },
  {
    name: "http-type-wrong-is-400",
    breaks: "HTTP-MEDIA-TYPE",
    about: "a wrong content type is answered with 400",
    handler: answers((answer) => (answer.status === 415 ? { ...answer, status: 400 } : answer)),
  },
  {
    name: "http-version-header-required",
    breaks: "HTTP-VERSION-HEADER",
    about: "a call without Connect-Protocol-Version is refused",
    handler: (real) =>
      instead((req) =>
        req.url?.includes("SeqSyncService/S") && req.headers["connect-protocol-version"] === undefined
          ? { status: 400, body: '{"code":"invalid_argument","message":"missing required header"}' }
          : undefined,
      )(real),
  },
  {
    name: "http-storable-answers",
    breaks: "HTTP-NO-STORE",
    about: "the answers of Sync may be stored",
    handler: answers((answer, req) => {
      const { "cache-control": _, ...headers } = answer.headers;
      return rpcOf(req) === "Sync" && answer.status === 200 ? { ...answer, headers } : answer;
    }),
  },
  {
    name: "http-storable-errors",
    breaks: "HTTP-NO-STORE",
    about: "errors may be stored",
    handler: answers((answer) =>
      answer.status === 200 ? answer : { ...answer, headers: { ...answer.headers, "cache-control": "private" } },
    ),
  },
  {
    name: "http-no-chunks",
    breaks: "HTTP-CHUNKED",
    about: "a body without a declared length is answered with 411",
    handler: instead((req) => (req.headers["transfer-encoding"] === undefined ? undefined : { status: 411 })),
  },
  {
    name: "http-first-chunk",
    breaks: "HTTP-CHUNKED",
    about: "of a chunked body only the first piece is read",
    handler: (real) => async (req, res) => {
      if (req.headers["transfer-encoding"] === undefined) return real(req, res);
      let first: Buffer | undefined;
      req.on("data", (piece: Buffer) => {
        first ??= piece;
      });
      req.on("end", () => real(withBody(req, first ?? Buffer.alloc(0)), res));
    },
  },
  {
    name: "http-cut-request-is-done",
    breaks: "HTTP-CUT-REQUEST",
    about: "of a request that is cut off, what came is carried out",
    handler: (real) => (req, res) => {
      const pieces: Buffer[] = [];
      req.on("data", (piece: Buffer) => pieces.push(piece));
      const done = () => real(withBody(req, Buffer.concat(pieces)), res);
      req.on("end", done);
      req.on("error", done);
    },
  },
  {
    name: "http-encoding-ignored",
    breaks: "HTTP-ENCODING",
    about: "Content-Encoding is not looked at: the body is taken as it stands",
    handler: requests((req) => {
      delete req.headers["content-encoding"];
    }),
  },
  {
    name: "http-encoding-is-malformed",
    breaks: "HTTP-ENCODING",
    about: "an unknown Content-Encoding is refused as a body that does not decode",
    handler: errors((error) => (error.code === "unimplemented" ? { ...error, code: "invalid_argument" } : error)),
  },
  {
    name: "http-gzip-unasked",
    breaks: "HTTP-COMPRESSION",
    about: "answers of more than a kilobyte are compressed, whatever the client offers",
    handler: answers((answer) => {
      if (answer.body.length < 1024) return answer;
      return {
        ...answer,
        headers: { ...answer.headers, "content-encoding": "gzip" },
        body: gzipSync(answer.body),
      };
    }),
  },
  {
    name: "http-gzip-refused-by-the-client",
    breaks: "HTTP-COMPRESSION",
    about: "gzip;q=0 in Accept-Encoding is taken as an offer of gzip",
    handler: answers((answer, req) => {
      if (!/gzip/.test(String(req.headers["accept-encoding"] ?? ""))) return answer;
      return {
        ...answer,
        headers: { ...answer.headers, "content-encoding": "gzip" },
        body: gzipSync(answer.body),
      };
    }),
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
      return answers((answer) => {
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
    handler: requests((req) => {
      if (req.headers["x-http-method-override"] === "POST") req.method = "POST";
    }),
  },
  {
    name: "http-malformed-may-be-stored",
    breaks: "HTTP-NO-STORE",
    about: "refusals of what does not decode come from a layer that says nothing about caches",
    handler: answers((answer) => {
      const reason = errorOf(answer)?.details?.[0]?.debug.reason;
      if (reason !== "REASON_MALFORMED") return answer;
      const { "cache-control": _, ...headers } = answer.headers;
      return { ...answer, headers };
    }),
  },
  {
    name: "http-unknown-encoding-is-a-bad-request",
    breaks: "ERR-SHAPE",
    about: "the refusal of an unknown encoding has the status 400 with the code unimplemented",
    handler: answers((answer) => (errorOf(answer)?.code === "unimplemented" ? { ...answer, status: 400 } : answer)),
  },
];

const keptAnswers = new WeakMap<object, { key: string; body: Buffer; until: number }>();
