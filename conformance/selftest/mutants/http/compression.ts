import { gunzipSync, gzipSync } from "node:zlib";
import { envelope, openEnvelope } from "../../../../reference-server/http/codec.js";
import {
  type Answer,
  editRequests,
  errorOf,
  mapErrors,
  mapResponses,
  readAll,
  rpcOf,
  withBody,
} from "../interceptors.js";
import type { Mutant } from "../mutant.js";

const packed = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, "content-encoding": "gzip" },
  body: gzipSync(answer.body),
});

/** A body without its gzip; undefined if there was none. */
function unpacked(body: Buffer): Buffer | undefined {
  try {
    return gunzipSync(body);
  } catch {
    return undefined;
  }
}

/** Faults of the chapter "HTTP binding": compression, of requests and of answers. */
export const httpCompression: readonly Mutant[] = [
  {
    name: "http-encoding-ignored",
    breaks: "HTTP-ENCODING",
    about: "Content-Encoding is not looked at: the body is taken as it stands",
    handler: editRequests((req) => {
      delete req.headers["content-encoding"];
    }),
  },
  {
    name: "http-encoding-is-malformed",
    breaks: "HTTP-ENCODING",
    about: "an unknown Content-Encoding is refused as a body that does not decode",
    handler: mapErrors((error) => (error.code === "unimplemented" ? { ...error, code: "invalid_argument" } : error)),
  },
  {
    name: "http-unknown-encoding-is-a-bad-request",
    breaks: "ERR-SHAPE",
    about: "the refusal of an unknown encoding has the status 400 with the code unimplemented",
    handler: mapResponses((answer) =>
      errorOf(answer)?.code === "unimplemented" ? { ...answer, status: 400 } : answer,
    ),
  },
  {
    name: "http-gzip-unasked",
    breaks: "HTTP-COMPRESSION",
    about: "answers of more than a kilobyte are compressed, whatever the client offers",
    handler: mapResponses((answer) => {
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
    handler: mapResponses((answer, req) => {
      if (!/gzip/.test(String(req.headers["accept-encoding"] ?? ""))) return answer;
      return {
        ...answer,
        headers: { ...answer.headers, "content-encoding": "gzip" },
        body: gzipSync(answer.body),
      };
    }),
  },
  {
    name: "http-gzip-in-kind",
    breaks: "HTTP-COMPRESSION",
    about: "a request in gzip is answered in gzip, whatever it offers",
    handler: (real) => async (req, res) => {
      if (req.headers["content-encoding"] !== "gzip") return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      const plain = unpacked(body);
      if (plain === undefined) return real(withBody(req, body), res);
      delete req.headers["content-encoding"];
      return mapResponses(packed)(real)(withBody(req, plain), res);
    },
  },
  {
    name: "http-gzip-of-info",
    breaks: "HTTP-COMPRESSION",
    about: "the answer of GetServerInfo is kept packed, and is answered so to everybody",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "GetServerInfo" && answer.status === 200 ? packed(answer) : answer,
    ),
  },
  {
    name: "http-gzip-of-weight-zero",
    breaks: "HTTP-COMPRESSION",
    about: "of the ways to refuse gzip only gzip;q=0 is known: gzip; q=0.0 counts as an offer",
    handler: mapResponses((answer, req) => {
      const accept = String(req.headers["accept-encoding"] ?? "");
      return /gzip(?!;q=0($|,))/.test(accept) ? packed(answer) : answer;
    }),
  },
  {
    name: "http-br-not-unpacked",
    breaks: "HTTP-ENCODING",
    about: "br in Content-Encoding passes the list of known names, and nobody unpacks it",
    handler: editRequests((req) => {
      if (req.headers["content-encoding"] === "br") delete req.headers["content-encoding"];
    }),
  },
  {
    name: "watch-encoding-ignored",
    breaks: "HTTP-ENCODING",
    about: "Connect-Content-Encoding of a Watch is not looked at",
    handler: editRequests((req) => {
      delete req.headers["connect-content-encoding"];
    }),
  },
  {
    name: "watch-gzip-to-any-offer",
    breaks: "HTTP-COMPRESSION",
    about: "frames are packed in gzip as soon as Connect-Accept-Encoding is there, whatever it offers",
    handler: (real) => (req, res) => {
      if (rpcOf(req) !== "Watch" || req.headers["connect-accept-encoding"] === undefined) return real(req, res);
      const { writeHead, write } = res;
      Object.assign(res, {
        writeHead: (status: number, headers: object) =>
          writeHead.call(res, status, { ...headers, "connect-content-encoding": "gzip" }),
        write: (chunk: Buffer) => write.call(res, envelope(gzipSync(openEnvelope(chunk)), 1), "binary"),
      });
      return real(req, res);
    },
  },
];
