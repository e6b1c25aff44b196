import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { constants, createGzip } from "node:zlib";
import { newToken } from "../../../../reference-server/accounts.js";
import { envelope, openEnvelope } from "../../../../reference-server/http/codec.js";
import { isJson, readAll, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Handler = NonNullable<Mutant["handler"]>;

/** Handles Watch requests with `handle`, and all others with the real handler. */
const onWatch =
  (handle: (real: RequestListener, req: IncomingMessage, res: ServerResponse) => unknown): Handler =>
  (real) =>
  (req, res) =>
    rpcOf(req) === "Watch" ? handle(real, req, res) : real(req, res);

/** Changes the body of each complete Watch request. */
const mapWatchBodies = (change: (body: Buffer, req: IncomingMessage) => Buffer): Handler =>
  onWatch(async (real, req, res) => {
    const body = await readAll(req);
    if (body !== undefined) real(withBody(req, change(body, req)), res);
  });

/** Whether a body is one valid envelope, whatever its content. */
function isEnvelope(body: Buffer): boolean {
  try {
    return openEnvelope(body).length >= 0;
  } catch {
    return false;
  }
}

const emptyEnvelope = (req: IncomingMessage) => envelope(Buffer.from(isJson(req) ? "{}" : ""));

/** Mutants of the chapter "HTTP binding" that concern Watch only, which servers often handle in separate code. */
export const watchHttp: readonly Mutant[] = [
  {
    name: "watch-before-its-credential",
    breaks: "ERR-ORDER",
    about: "checks the envelope of a Watch before its credential",
    handler: (real, service) => {
      // A request with an invalid envelope gets a valid credential, so that it is refused because of its envelope.
      const token = newToken();
      service.createAccount("anybody", token);
      return onWatch(async (handler, req, res) => {
        const body = await readAll(req);
        if (body === undefined) return;
        if (!isEnvelope(body)) req.headers.authorization = `Bearer ${token}`;
        handler(withBody(req, body), res);
      })(real, service);
    },
  },
  {
    name: "watch-wants-an-empty-message",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "refuses a Watch request that contains an unknown field as malformed",
    handler: mapWatchBodies((body, req) => (body.length > emptyEnvelope(req).length ? Buffer.alloc(0) : body)),
  },
  {
    name: "watch-message-not-decoded",
    breaks: "HTTP-MALFORMED",
    about: "does not decode the message in a Watch envelope",
    handler: mapWatchBodies((body, req) => (isEnvelope(body) ? emptyEnvelope(req) : body)),
  },
  {
    name: "watch-compressed-by-a-middleware",
    breaks: "HTTP-COMPRESSION",
    about: "compresses the whole stream of a Watch if Accept-Encoding offers gzip",
    handler: onWatch((real, req, res) => {
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
    about: "writes svr_seq of a JSON frame as a string, as if it had 64 bits",
    handler: onWatch((real, req, res) => {
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
