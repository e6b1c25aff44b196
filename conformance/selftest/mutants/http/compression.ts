import { gunzipSync, gzipSync } from "node:zlib";
import { envelope, openEnvelope } from "../../../../reference-server/http/codec.js";
import {
  editRequests,
  errorOf,
  type HttpResponse,
  mapErrors,
  mapResponses,
  readAll,
  rpcOf,
  withBody,
} from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Compresses a response with gzip. */
const gzipped = (response: HttpResponse): HttpResponse => ({
  ...response,
  headers: { ...response.headers, "content-encoding": "gzip" },
  body: gzipSync(response.body),
});

/** Decompresses a gzip body; returns undefined if it is not gzip. */
function gunzipped(body: Buffer): Buffer | undefined {
  try {
    return gunzipSync(body);
  } catch {
    return undefined;
  }
}

/** Mutants of the chapter "HTTP binding": compression of requests and responses. */
export const httpCompression: readonly Mutant[] = [
  {
    name: "http-encoding-ignored",
    breaks: "HTTP-ENCODING",
    about: "ignores Content-Encoding, and decodes the body as it is",
    handler: editRequests((req) => {
      delete req.headers["content-encoding"];
    }),
  },
  {
    name: "http-encoding-is-malformed",
    breaks: "HTTP-ENCODING",
    about: "refuses an unknown Content-Encoding with invalid_argument, as a malformed body",
    handler: mapErrors((error) => (error.code === "unimplemented" ? { ...error, code: "invalid_argument" } : error)),
  },
  {
    name: "http-unknown-encoding-is-a-bad-request",
    breaks: "ERR-SHAPE",
    about: "responds to an unknown encoding with status 400 and the code unimplemented",
    handler: mapResponses((response) =>
      errorOf(response)?.code === "unimplemented" ? { ...response, status: 400 } : response,
    ),
  },
  {
    name: "http-gzip-unasked",
    breaks: "HTTP-COMPRESSION",
    about: "compresses responses of more than 1 KiB, though the client did not offer gzip",
    handler: mapResponses((response) => {
      return response.body.length < 1024 ? response : gzipped(response);
    }),
  },
  {
    name: "http-gzip-refused-by-the-client",
    breaks: "HTTP-COMPRESSION",
    about: "takes gzip;q=0 in Accept-Encoding as an offer of gzip",
    handler: mapResponses((response, req) => {
      return /gzip/.test(String(req.headers["accept-encoding"] ?? "")) ? gzipped(response) : response;
    }),
  },
  {
    name: "http-gzip-in-kind",
    breaks: "HTTP-COMPRESSION",
    about: "responds to a gzip request in gzip, though the client did not offer it",
    handler: (real) => async (req, res) => {
      if (req.headers["content-encoding"] !== "gzip") return real(req, res);
      const body = await readAll(req);
      if (body === undefined) return undefined;
      const plain = gunzipped(body);
      if (plain === undefined) return real(withBody(req, body), res);
      delete req.headers["content-encoding"];
      return mapResponses(gzipped)(real)(withBody(req, plain), res);
    },
  },
  {
    name: "http-gzip-of-info",
    breaks: "HTTP-COMPRESSION",
    about: "compresses GetServerInfo responses, though the client did not offer gzip",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "GetServerInfo" && response.status === 200 ? gzipped(response) : response,
    ),
  },
  {
    name: "http-gzip-of-weight-zero",
    breaks: "HTTP-COMPRESSION",
    about: "takes gzip; q=0.0 as an offer of gzip: recognises only gzip;q=0 as a rejection",
    handler: mapResponses((response, req) => {
      const accept = String(req.headers["accept-encoding"] ?? "");
      return /gzip(?!;q=0($|,))/.test(accept) ? gzipped(response) : response;
    }),
  },
  {
    name: "http-br-not-unpacked",
    breaks: "HTTP-ENCODING",
    about: "accepts br in Content-Encoding without decompressing the body",
    handler: editRequests((req) => {
      if (req.headers["content-encoding"] === "br") delete req.headers["content-encoding"];
    }),
  },
  {
    name: "watch-encoding-ignored",
    breaks: "HTTP-ENCODING",
    about: "ignores Connect-Content-Encoding of a Watch",
    handler: editRequests((req) => {
      delete req.headers["connect-content-encoding"];
    }),
  },
  {
    name: "watch-gzip-to-any-offer",
    breaks: "HTTP-COMPRESSION",
    about: "compresses frames with gzip if Connect-Accept-Encoding is present, whatever it offers",
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
