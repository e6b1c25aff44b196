import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import { CA } from "./certificates.js";
import type { Running } from "./serve.js";
import { serveTls } from "./tls.js";

/** What a front end with TLS does that HTTP and the specification allow. */
export interface TlsFrontSwitches {
  /** HTTP/2 for clients that support it; otherwise HTTP/1.1 only. */
  http2: boolean;
  /** Closes the connection after every n-th response: with GOAWAY, or without an announcement in HTTP/1.1. */
  closeEvery?: number;
  /** Breaks every n-th Watch after its first frame: with RST_STREAM, or by closing the connection. */
  breakWatchEvery?: number;
}

/** Headers that belong to a connection and not to a message. */
const HOP_BY_HOP = /^(connection|keep-alive|transfer-encoding|host|http2-settings|upgrade)$|^:/;

/** Starts a front end with TLS before a server that speaks plain HTTP/1.1. `stop` also stops the server. */
export async function startTlsFront(
  inner: Running,
  { http2, closeEvery, breakWatchEvery }: TlsFrontSwitches,
): Promise<Running> {
  const closesNext = everyNth(closeEvery);
  const breaksNext = everyNth(breakWatchEvery);
  const front = await serveTls(
    (req, res) => {
      const breaks = req.url?.endsWith("/Watch") === true && breaksNext();
      forward(inner.url, req, res, (part) => {
        if (part === "frame" && breaks) breakStream(res);
        if (part === "end" && closesNext()) closeConnection(req, res);
      });
    },
    { http2 },
  );
  return {
    url: front.url,
    connection: { tls: { ca: CA } },
    async stop() {
      await front.stop();
      await inner.stop();
    },
  };
}

/** Returns a function that returns true for every n-th call; never without n. */
function everyNth(n: number | undefined): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return n !== undefined && count % n === 0;
  };
}

/** Forwards a request, and its response as it arrives. */
function forward(
  target: string,
  req: IncomingMessage,
  res: ServerResponse,
  onPart: (part: "frame" | "end") => void,
): void {
  const isHttp2 = req.httpVersionMajor === 2;
  const upstream = request(`${target}${req.url}`, { method: req.method ?? "GET", headers: kept(req.headers) });
  upstream.on("error", () => res.destroy());
  upstream.on("response", (response) => {
    res.writeHead(response.statusCode ?? 502, kept(response.headers));
    response.on("error", () => res.destroy());
    response.on("data", (data: Buffer) => {
      if (!res.write(data)) {
        response.pause();
        res.once("drain", () => response.resume());
      }
      onPart("frame");
    });
    response.on("end", () => {
      res.end();
      res.once(isHttp2 ? "close" : "finish", () => onPart("end"));
    });
  });
  res.on("close", () => upstream.destroy());
  req.on("error", () => upstream.destroy()).pipe(upstream);
}

const kept = (headers: IncomingMessage["headers"]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name)));

/** The stream of a response over HTTP/2; undefined over HTTP/1.1. */
const streamOf = (res: ServerResponse) => (res as unknown as Partial<Http2ServerResponse>).stream;

function breakStream(res: ServerResponse): void {
  const stream = streamOf(res);
  if (stream === undefined) res.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

function closeConnection({ socket }: IncomingMessage, res: ServerResponse): void {
  const session = streamOf(res)?.session;
  if (session === undefined) socket.end();
  else if (!session.destroyed) session.close();
}
