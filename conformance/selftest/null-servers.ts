import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { GetServerInfoResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Running, serve } from "./support/serve.js";

/** A target that is not a Seq Sync server, or an address where nothing listens. No case may pass against it. */
export interface NullServer {
  name: string;
  /** Matches the headline of the report, which must help a user to find the cause. */
  headline: RegExp;
  start(): Promise<Running>;
}

/** A valid response of GetServerInfo. */
export const PLAUSIBLE_INFO = create(GetServerInfoResponseSchema, {
  specVersion: "1.0",
  implementation: "null",
  profiles: [Profile.CORE, Profile.JSON, Profile.WATCH],
  maxPageSize: 100,
  maxPayloadBytes: 65_536,
  dedupWindow: { seconds: 600n },
});

export type Responder = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void;

const HTML = "<!doctype html><title>It works!</title>";

/** Responses without any information. */
export const EMPTY_RESPONSES: Readonly<Record<string, Responder>> = {
  "404": fixed(404, "text/plain", "not found"),
  "200 with an empty body": (req, res) => void res.writeHead(200, sameType(req)).end(),
  "200 {}": fixed(200, "application/json", "{}"),
  "500": fixed(500, "text/plain", "Internal Server Error"),
  "401": fixed(401, "application/json", '{"code":"unauthenticated"}'),
  "an echo": (req, res, body) => void res.writeHead(200, sameType(req)).end(body),
  HTML: fixed(200, "text/html", HTML),
};

const NOT_SEQ_SYNC = /does not look like a Seq Sync server: .+/;
// A closed socket with unread data resets the connection.
const CLOSED = /cannot be reached: (the server closed the connection|the connection was reset)/;
const SILENT = /cannot be reached: no response within \d+ ms/;

export const NULL_SERVERS: readonly NullServer[] = [
  ...Object.entries(EMPTY_RESPONSES).map(([name, respond]) => ({
    name,
    headline: name === "401" ? /refuses GetServerInfo with unauthenticated; .+/ : NOT_SEQ_SYNC,
    start: () => serve(withBody(respond)),
  })),
  {
    name: "a correct response with a wrong content type",
    headline: NOT_SEQ_SYNC,
    start: () =>
      serve(withBody(fixed(200, "application/octet-stream", toBinary(GetServerInfoResponseSchema, PLAUSIBLE_INFO)))),
  },
  {
    name: "an error page of a gateway",
    headline: /is not ready: GetServerInfo returned .+/,
    start: () => serve(withBody(fixed(502, "text/html", HTML))),
  },
  {
    name: "a response that never ends",
    headline: SILENT,
    start: () => serve(withBody(endless)),
  },
  { name: "a connection closed at once", headline: CLOSED, start: () => tcp((socket) => socket.destroy()) },
  { name: "no response", headline: SILENT, start: () => tcp((socket) => socket.resume()) },
  {
    name: "another protocol, in which the server speaks first",
    headline: /cannot be reached: .*HTTP/,
    start: () => tcp((socket) => socket.write("220 mail ready\r\n")),
  },
  { name: "a TLS port called in plain text", headline: CLOSED, start: tlsPort },
  {
    name: "a plain-text port called over TLS",
    headline: /cannot be reached: .*TLS.* should the URL begin with http: instead of https:/,
    start: plainPort,
  },
  {
    name: "nothing listens",
    headline: /cannot be reached: .+; is the server running, and is the URL right\?/,
    start: closedPort,
  },
];

/** Serves a valid GetServerInfo, and responds to everything else with `respond`. */
export function halfNull(respond: Responder): Promise<Running> {
  return serve(
    withBody((req, res, body) => {
      if (!req.url?.endsWith("/GetServerInfo")) return respond(req, res, body);
      if (req.headers["content-type"] === "application/json") {
        return fixed(200, "application/json", toJsonString(GetServerInfoResponseSchema, PLAUSIBLE_INFO))(req, res);
      }
      return fixed(200, "application/proto", toBinary(GetServerInfoResponseSchema, PLAUSIBLE_INFO))(req, res);
    }),
  );
}

function fixed(status: number, type: string, body: string | Uint8Array) {
  return (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(status, { "Content-Type": type }).end(body);
}

const sameType = ({ headers }: IncomingMessage) => ({ "Content-Type": headers["content-type"] ?? "text/plain" });

function withBody(respond: Responder): RequestListener {
  return (req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => respond(req, res, Buffer.concat(chunks)));
  };
}

function endless(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, sameType(req));
  const timer = setInterval(() => res.write(Buffer.alloc(64)), 20);
  res.once("close", () => clearInterval(timer));
}

/** Starts a TCP server. */
async function tcp(onConnection: (socket: Socket) => void): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  return listening(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function tlsPort(): Promise<Running> {
  // A connection in plain text fails before the server needs a certificate.
  return listening(createTlsServer(), () => {});
}

async function plainPort(): Promise<Running> {
  const { url, stop } = await serve(withBody(fixed(200, "application/json", "{}")));
  return { url: url.replace("http:", "https:"), stop };
}

/** Returns the URL of a port on which nothing listens. */
async function closedPort(): Promise<Running> {
  const { url, stop } = await tcp(() => {});
  await stop();
  return { url, stop: async () => {} };
}

async function listening(server: ReturnType<typeof createTcpServer>, closeConnections: () => void): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      closeConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
