import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { constants, createGzip } from "node:zlib";
import { newToken } from "../../../../reference-server/accounts.js";
import { envelope, openEnvelope } from "../../../../reference-server/http/codec.js";
import { isJson, readAll, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Handler = NonNullable<Mutant["handler"]>;

/** Treats Watches in a way of its own, and all other requests like a right server. */
const watches =
  (treat: (real: RequestListener, req: IncomingMessage, res: ServerResponse) => unknown): Handler =>
  (real) =>
  (req, res) =>
    rpcOf(req) === "Watch" ? treat(real, req, res) : real(req, res);

/** Changes the body of each Watch, once it is there as a whole. */
const requested = (change: (body: Buffer, req: IncomingMessage) => Buffer): Handler =>
  watches(async (real, req, res) => {
    const body = await readAll(req);
    if (body !== undefined) real(withBody(req, change(body, req)), res);
  });

/** Whether a body is an envelope, whatever is in it. */
function isEnvelope(body: Buffer): boolean {
  try {
    return openEnvelope(body).length >= 0;
  } catch {
    return false;
  }
}

const nothing = (req: IncomingMessage) => envelope(Buffer.from(isJson(req) ? "{}" : ""));

/** Faults of the chapter "HTTP binding" that only a Watch shows: it often goes through code of its own. */
export const watchHttp: readonly Mutant[] = [
  {
    name: "watch-before-its-credential",
    breaks: "ERR-ORDER",
    about: "Watch looks into its envelope before it looks at the credential",
    handler: (real, service) => {
      // Whoever is refused for the envelope could be anybody.
      const token = newToken();
      service.createAccount("anybody", token);
      return watches(async (right, req, res) => {
        const body = await readAll(req);
        if (body === undefined) return;
        if (!isEnvelope(body)) req.headers.authorization = `Bearer ${token}`;
        right(withBody(req, body), res);
      })(real, service);
    },
  },
  {
    name: "watch-wants-an-empty-message",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "a Watch that has any field is malformed, as there are none",
    handler: requested((body, req) => (body.length > nothing(req).length ? Buffer.alloc(0) : body)),
  },
  {
    name: "watch-message-not-decoded",
    breaks: "HTTP-MALFORMED",
    about: "what is in a Watch's envelope is not looked at, as there are no fields",
    handler: requested((body, req) => (isEnvelope(body) ? nothing(req) : body)),
  },
  {
    name: "watch-compressed-by-a-middleware",
    breaks: "HTTP-COMPRESSION",
    about: "a middleware packs the whole stream of a Watch that accepts gzip for its answers",
    handler: watches((real, req, res) => {
      if (!String(req.headers["accept-encoding"]).includes("gzip")) return real(req, res);
      const { writeHead, write, end } = res;
      const packed = createGzip({ flush: constants.Z_SYNC_FLUSH });
      packed.on("data", (chunk: Buffer) => write.call(res, chunk, "binary"));
      packed.on("end", () => end.call(res, "", "binary"));
      Object.assign(res, {
        writeHead: (status: number, headers: object) =>
          writeHead.call(res, status, { ...headers, "content-encoding": "gzip" }),
        write: (chunk: Buffer) => packed.write(chunk),
        end: (chunk?: Buffer) => packed.end(chunk),
      });
      return real(req, res);
    }),
  },
  {
    name: "watch-json-number-as-text",
    breaks: "HTTP-JSON-NUMBERS",
    about: "in JSON the svr_seq of a frame is a string, as if it had 64 bits",
    handler: watches((real, req, res) => {
      if (!isJson(req)) return real(req, res);
      const { write } = res;
      res.write = (chunk: Buffer) => {
        const text = Buffer.from(openEnvelope(chunk)).toString();
        return write.call(res, envelope(Buffer.from(text.replace(/"svrSeq":(\d+)/, '"svrSeq":"$1"'))), "binary");
      };
      return real(req, res);
    }),
  },
];
