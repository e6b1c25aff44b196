import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { WireType } from "@bufbuild/protobuf/wire";
import { mapJsonRequests } from "../http/json.js";
import { contentOf, field, mapFields, SCHEMAS } from "../http/malformed.js";
import { isJson, mapBodies, readAll, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Length up to which bodies come in one packet if the client sends them at once, in bytes. */
const SHORT_BYTES = 1024;

/** A body that is malformed in the binary codec. */
const MALFORMED = Buffer.of(0);

const isCall = (req: IncomingMessage) => rpcOf(req) in SCHEMAS;
const isChunked = ({ headers }: IncomingMessage) => headers["transfer-encoding"] !== undefined;

/** Changes the text of JSON requests that are valid UTF-8. */
const mapJsonText = (change: (text: string) => string) =>
  mapBodies((body, req) => (isJson(req) && isCall(req) && isUtf8(body) ? Buffer.from(change(body.toString())) : body));

/** Changes the pieces in which a short body arrived. Truncated requests are dropped. */
const mapPieces =
  (change: (pieces: Buffer[], req: IncomingMessage) => Buffer[]): NonNullable<Mutant["handler"]> =>
  (real) =>
  (req, res) => {
    const pieces: Buffer[] = [];
    req.on("data", (piece: Buffer) => pieces.push(piece));
    req.on("error", () => {});
    req.on("end", () => {
      const body = Buffer.concat(pieces);
      const isShort = body.length <= SHORT_BYTES && isCall(req);
      real(withBody(req, isShort ? Buffer.concat(change(pieces, req)) : body), res);
    });
  };

/** The members of requests in the order of the proto files. */
const ORDER = ["recipient_id", "client_message_id", "payload", "cli_seq", "epoch", "page_size"];
const toSnakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const placeOf = (name: string) => ORDER.indexOf(toSnakeCase(name));

/** Mutants that show only if the bodies of requests are written in several ways. */
export const formBodies: readonly Mutant[] = [
  {
    name: "forms-body-in-another-packet",
    breaks: "HTTP-BINARY",
    about: "treats a body as empty if none of it comes in the same packet as the headers",
    seenIn: "mirage/ocaml-cohttp#1031",
    kind: "forms",
    handler: (real) => (req, res) => {
      const pieces: Buffer[] = [];
      let isLate = false;
      req.on("data", (piece: Buffer) => pieces.push(piece));
      req.on("error", () => {});
      setImmediate(() => {
        isLate = pieces.length === 0 && isCall(req);
      });
      req.on("end", () => real(withBody(req, isLate ? Buffer.alloc(0) : Buffer.concat(pieces)), res));
    },
  },
  {
    name: "forms-body-in-three-packets",
    breaks: "HTTP-BINARY",
    about: "reads at most twice from the connection if the length of the body is below 1 KiB",
    seenIn: "ninenines/cowboy#540",
    kind: "forms",
    handler: mapPieces((pieces, req) => (isChunked(req) ? pieces : pieces.slice(0, 2))),
  },
  {
    name: "forms-chunks-beyond-sixteen",
    breaks: "HTTP-CHUNKED",
    about: "has room for 16 chunks, and overwrites the first one with the 17th",
    kind: "forms",
    handler: mapPieces((pieces, req) => {
      if (!isChunked(req)) return pieces;
      return pieces.slice(0, 16).map((piece, n) => pieces.filter((_, m) => m % 16 === n).at(-1) ?? piece);
    }),
  },
  {
    name: "forms-tag-of-two-bytes",
    breaks: "HTTP-BINARY",
    about: "does not recognise a field whose tag has more bytes than needed",
    seenIn: "protocolbuffers/protobuf#1530",
    kind: "forms",
    handler: mapFields(({ no, bytes }) => (no <= 3 && (bytes[0] ?? 0) >= 0x80 ? undefined : bytes)),
  },
  {
    name: "forms-length-of-two-bytes",
    breaks: "HTTP-BINARY",
    about: "refuses a field whose length has more bytes than needed",
    kind: "forms",
    handler: mapFields(({ no, wireType, bytes }) => {
      if (no > 3 || wireType !== WireType.LengthDelimited || (bytes[0] ?? 0) >= 0x80) return bytes;
      return bytes.length > field(no, contentOf(bytes)).length ? MALFORMED : bytes;
    }),
  },
  {
    name: "forms-fields-in-order-only",
    breaks: "HTTP-BINARY",
    about: "looks for the fields in the order of their numbers, and misses one that comes too late",
    seenIn: "vacp2p/nim-libp2p#99",
    kind: "forms",
    handler: mapFields(({ no, bytes }, before) => {
      const isFirst = !before.some((it) => it.no === no);
      return isFirst && before.some((it) => it.no > no && it.no <= 3) ? undefined : bytes;
    }),
  },
  {
    name: "forms-unknown-field-given-twice",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "refuses a message in which an unknown field occurs twice",
    kind: "forms",
    handler: mapFields(({ no, bytes }, before) => (no > 3 && before.some((it) => it.no === no) ? MALFORMED : bytes)),
  },
  {
    name: "forms-json-escaped-names",
    breaks: "HTTP-JSON",
    about: "does not recognise a member whose name has an escape",
    seenIn: "importcjj/rust-ajson#9",
    kind: "forms",
    handler: mapJsonText((text) => text.replace(/"[^"\\]*\\u[^"]*"(\s*:)/g, '"unknown"$1')),
  },
  {
    name: "forms-json-escaped-epoch",
    breaks: "HTTP-JSON",
    about: "compares an epoch with its escapes instead of the characters that they stand for",
    kind: "forms",
    handler: mapJsonText((text) =>
      text.replace(/("epoch"\s*:\s*)"([^"\\]*\\u[^"]*)"/, (_, name: string, value: string) => {
        return `${name}"${value.replace(/\\/g, "\\\\")}"`;
      }),
    ),
  },
  {
    name: "forms-json-after-white-space",
    breaks: "HTTP-JSON",
    about: "refuses a JSON body that does not begin with a brace",
    seenIn: "haskell/aeson#215",
    kind: "forms",
    handler: mapJsonText((text) => (/^\s+\{/.test(text) ? "?" : text)),
  },
  {
    name: "forms-json-members-in-order-only",
    breaks: "HTTP-JSON",
    about: "reads members in the order of the proto file, and skips one that comes too late",
    seenIn: "Kotlin/kotlinx.serialization#1890",
    kind: "forms",
    handler: mapJsonRequests((json) => {
      let last = -1;
      const read = Object.entries(json).filter(([name]) => {
        const place = placeOf(name);
        if (place >= 0 && place < last) return false;
        last = Math.max(last, place);
        return true;
      });
      return Object.fromEntries(read);
    }),
  },
  {
    name: "forms-json-members-of-members",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "takes the members of an unknown object for its own",
    seenIn: "vlang/v#26503",
    kind: "forms",
    handler: mapJsonRequests((json) => {
      const inner = Object.entries(json).flatMap(([name, value]) =>
        placeOf(name) < 0 && typeof value === "object" && value !== null ? Object.entries(value) : [],
      );
      return { ...json, ...Object.fromEntries(inner) };
    }),
  },
  {
    name: "forms-json-page-size-in-quotes",
    breaks: "HTTP-JSON-NUMBERS",
    about: "takes a page size that is written as a string for 0",
    kind: "forms",
    handler: mapJsonRequests((json) =>
      Object.fromEntries(
        Object.entries(json).map(([name, value]) => [
          name,
          toSnakeCase(name) === "page_size" && typeof value === "string" && /^\d+$/.test(value) ? 0 : value,
        ]),
      ),
    ),
  },
  {
    name: "forms-json-page-size-of-the-proto-file",
    breaks: "HTTP-JSON",
    about: "knows the member pageSize but not page_size",
    kind: "forms",
    handler: mapJsonRequests(({ page_size: _, ...json }) => json),
  },
  {
    name: "forms-trailers-refused",
    breaks: "HTTP-CHUNKED",
    about: "refuses a chunked body that has trailer fields, such as a checksum, after its last chunk",
    seenIn: "oven-sh/bun#32887",
    kind: "forms",
    handler: (real) => async (req, res) => {
      const body = await readAll(req);
      if (body === undefined) return;
      if (req.rawTrailers.length === 0) real(withBody(req, body), res);
      else res.writeHead(400, { "content-type": "text/plain" }).end("bad chunk\n");
    },
  },
  {
    name: "forms-coding-in-lower-case-only",
    breaks: "HTTP-CHUNKED",
    about: "reads no body of a request with `Transfer-Encoding: Chunked`, in capitals",
    seenIn: "eclipse-ee4j/glassfish-grizzly#1790",
    kind: "forms",
    handler: mapBodies((body, req) =>
      isChunked(req) && req.headers["transfer-encoding"] !== "chunked" ? Buffer.of() : body,
    ),
  },
  {
    name: "forms-character-in-two-packets",
    breaks: "HTTP-JSON",
    about: "decodes each packet of a JSON body by itself, which breaks a character that is in two of them",
    seenIn: "restify/node-restify#774",
    kind: "forms",
    // Of a body that is not UTF-8 the mutant would make another one that is.
    handler: mapPieces((pieces, req) =>
      isJson(req) && isUtf8(Buffer.concat(pieces)) ? pieces.map((piece) => Buffer.from(piece.toString())) : pieces,
    ),
  },
];
