import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { GetServerInfoResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Running, serve } from "./support/serve.js";

/** Something that listens, or does not, and is no Seq Sync server. No case passes on it. */
export interface NullServer {
  name: string;
  /** What the verdict has to say, so that a user knows what to look for. */
  says: RegExp;
  start(): Promise<Running>;
}

/** A description that a real server could give. */
export const PLAUSIBLE_INFO = create(GetServerInfoResponseSchema, {
  specVersion: "1.0",
  implementation: "null",
  profiles: [Profile.CORE, Profile.JSON, Profile.WATCH],
  maxPageSize: 100,
  maxPayloadBytes: 65_536,
  dedupWindow: { seconds: 600n },
});

export type Answer = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void;

const HTML = "<!doctype html><title>It works!</title>";

/** Ways to answer that say nothing. */
export const EMPTY_ANSWERS: Readonly<Record<string, Answer>> = {
  "404": fixed(404, "text/plain", "not found"),
  "200 with an empty body": (req, res) => void res.writeHead(200, sameType(req)).end(),
  "200 {}": fixed(200, "application/json", "{}"),
  "500": fixed(500, "text/plain", "Internal Server Error"),
  "401": fixed(401, "application/json", '{"code":"unauthenticated"}'),
  "an echo": (req, res, body) => void res.writeHead(200, sameType(req)).end(body),
  HTML: fixed(200, "text/html", HTML),
};

const ALIEN = /does not look like a Seq Sync server: GetServerInfo answered .+/;
const CLOSED = /cannot be reached: the server closed the connection/;
const SILENT = /cannot be reached: no answer within \d+ ms/;

export const NULL_SERVERS: readonly NullServer[] = [
  ...Object.entries(EMPTY_ANSWERS).map(([name, answer]) => ({
    name,
    says: ALIEN,
    start: () => serve(withBody(answer)),
  })),
  {
    name: "a right answer under a wrong content type",
    says: ALIEN,
    start: () =>
      serve(withBody(fixed(200, "application/octet-stream", toBinary(GetServerInfoResponseSchema, PLAUSIBLE_INFO)))),
  },
  {
    name: "an error page from something in front",
    says: /is not ready: GetServerInfo answered .+/,
    start: () => serve(withBody(fixed(502, "text/html", HTML))),
  },
  {
    name: "an answer that never ends",
    says: SILENT,
    start: () => serve(withBody(endless)),
  },
  { name: "a connection closed at once", says: CLOSED, start: () => tcp((socket) => socket.destroy()) },
  { name: "accepts and never answers", says: SILENT, start: () => tcp((socket) => socket.resume()) },
  {
    name: "speaks first, and no HTTP",
    says: /cannot be reached: .*HTTP/,
    start: () => tcp((socket) => socket.write("220 mail ready\r\n")),
  },
  { name: "a TLS port spoken to in plain text", says: CLOSED, start: tlsPort },
  {
    name: "a plain port spoken to in TLS",
    says: /cannot be reached: .*TLS.* is the URL http: rather than https:/,
    start: plainPort,
  },
  {
    name: "nothing listens",
    says: /cannot be reached: .+; is the server running, and is the URL right\?/,
    start: nothing,
  },
];

/** Introduces itself like a real server, and then answers everything in a way that says nothing. */
export function halfNull(answer: Answer): Promise<Running> {
  return serve(
    withBody((req, res, body) => {
      if (!req.url?.endsWith("/GetServerInfo")) return answer(req, res, body);
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

function withBody(answer: Answer): RequestListener {
  return (req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => answer(req, res, Buffer.concat(chunks)));
  };
}

function endless(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, sameType(req));
  const timer = setInterval(() => res.write(Buffer.alloc(64)), 20);
  res.once("close", () => clearInterval(timer));
}

/** A server below HTTP. */
async function tcp(greet: (socket: Socket) => void): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    greet(socket);
  });
  return listening(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function tlsPort(): Promise<Running> {
  // It has no certificate: plain text fails before one is asked for.
  return listening(createTlsServer(), () => {});
}

async function plainPort(): Promise<Running> {
  const { url, stop } = await serve(withBody(fixed(200, "application/json", "{}")));
  return { url: url.replace("http:", "https:"), stop };
}

/** A port that was free a moment ago. */
async function nothing(): Promise<Running> {
  const { url, stop } = await tcp(() => {});
  await stop();
  return { url, stop: async () => {} };
}

async function listening(server: ReturnType<typeof createTcpServer>, cut: () => void): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      cut();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
