import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { createHandler, Service } from "../../../reference-server/index.js";

/** A server that harms its clients. */
export interface HostileServer {
  name: string;
  /** What `seqsync check` prints for the cases of `only`: the verdict, or the line about the violation. */
  line: RegExp;
  /** Exit code of `seqsync check` for these cases. */
  code: 1 | 3;
  /** How the ids begin of cases that meet the hostile behavior, for a short test. Default: a few about Send, Sync and Watch. */
  only?: readonly string[];
  /** Factor for time limits in a short test, for a server that lets them pass. Default: 1. */
  timeoutScale?: number;
  start(): RequestListener;
}

/** One call at a hostile server. */
export interface Call {
  req: IncomingMessage;
  res: ServerResponse;
  /** Name of the RPC. */
  rpc: string;
  codec: "proto" | "json";
  /** Lets the reference server respond. */
  pass(): void;
}

/** Makes a server that behaves like the reference server, except where `respond` does otherwise. */
export function unlessHostile(respond: (call: Call) => void): RequestListener {
  const inner = createHandler(new Service({ profiles: [Profile.JSON, Profile.WATCH] }), { fixtures: true });
  return (req, res) => {
    res.on("error", () => {});
    const [, rpc = ""] = /(\w+)(\?.*)?$/.exec(req.url ?? "") ?? [];
    const codec = req.headers["content-type"]?.includes("json") ? "json" : "proto";
    respond({ req, res, rpc, codec, pass: () => inner(req, res) });
  };
}

/** Makes a server that responds like the reference server to GetServerInfo and to the fixtures only. */
export const afterFirstContact = (respond: (call: Call) => void) =>
  unlessHostile((call) => {
    if (/^(GetServerInfo|CreateAccount)$/.test(call.rpc)) call.pass();
    else respond(call);
  });

/** Writes parts without end, as fast as the client reads them. */
export function flood(res: ServerResponse, part: Uint8Array): void {
  const { socket } = res.req;
  const more = () => {
    while (!socket.destroyed && !res.writableEnded) if (!res.write(part)) return void res.once("drain", more);
  };
  more();
}

/** The same below HTTP. */
export function floodSocket(socket: Socket, part: string): void {
  const more = () => {
    while (!socket.destroyed) if (!socket.write(part)) return void socket.once("drain", more);
  };
  more();
}

/** Sends the head of a response in the content type of the request. */
export function head({ req, res }: Call): ServerResponse {
  return res.writeHead(200, { "Content-Type": req.headers["content-type"] ?? "text/plain" });
}

/** A hostile server that is listening. */
export interface Listening {
  url: string;
  stop(): void;
}

/** Starts a hostile server on a free port of the loopback interface. */
export async function listenHostile({ start }: HostileServer): Promise<Listening> {
  const server = createServer(start());
  server.on("clientError", (_, socket) => socket.destroy());
  server.on("connection", (socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
