import { once } from "node:events";
import { connect } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { startReferenceServer } from "../index.js";

export const PATH = "/seqsync.v1.SeqSyncService";

export type Options = NonNullable<Parameters<typeof startReferenceServer>[0]>;

/** A server with the accounts alice, bob and carol, whose tokens are their names. */
export async function serve(options: Options = {}) {
  const server = await startReferenceServer(options);
  for (const userId of ["alice", "bob", "carol"]) server.service.createAccount(userId, userId);
  return { ...server, inbox: () => server.service.accounts.authenticate("Bearer bob").account.inbox };
}

export interface Call {
  /** The account, whose token is its name. Default bob; "" sends no credential. */
  as?: string;
  type?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  verb?: string;
}

/** One call, as the headers and the body say. By default an empty binary message. */
export async function call(url: string, method: string, { as = "bob", type, headers, body, verb = "POST" }: Call = {}) {
  const response = await fetch(`${url}${method.startsWith("/") ? method : `${PATH}/${method}`}`, {
    method: verb,
    headers: {
      "Content-Type": type ?? "application/proto",
      ...(as === "" ? {} : { Authorization: `Bearer ${as}` }),
      ...headers,
    },
    ...(verb === "POST" ? { body: body ?? "" } : {}),
  });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

/** The same in JSON, and its answer. */
export async function callJson(url: string, method: string, body: unknown, more: Call = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await call(url, method, { type: "application/json", body: text, ...more });
  return { status: answer.status, json: JSON.parse(answer.body.toString()) as Record<string, unknown> };
}

/** A Connect error in short: "400 out_of_range CLI_SEQ_AHEAD". */
export function errorInShort({ status, body }: { status: number; body: Buffer }): string {
  const { code, details } = JSON.parse(body.toString()) as {
    code: string;
    details?: { type: string; value: string }[];
  };
  const reasons = (details ?? []).map(({ type, value }) =>
    type === ErrorDetailSchema.typeName
      ? Reason[fromBinary(ErrorDetailSchema, Buffer.from(value, "base64")).reason]
      : `unexpected ${type}`,
  );
  return [status, code, ...reasons].join(" ");
}

/** A connection of one's own, to send what no HTTP client would. */
export async function dial(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  let received = "";
  let closed = false;
  const heard = new Set<() => void>();
  const tell = () => {
    for (const listener of heard) listener();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    tell();
  });
  // A reset is one of the ways in which a server gives a connection up.
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    tell();
  });

  const wait = (done: () => boolean) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        if (done()) resolve(received);
        else if (closed) reject(new Error(`the connection was closed after: ${received}`));
        else return;
        heard.delete(check);
      };
      heard.add(check);
      check();
    });
  return {
    socket,
    write: (bytes: string | Uint8Array) => void socket.write(bytes),
    /** All that came until it matches. Rejects if the connection ends before. */
    until: (pattern: RegExp) => wait(() => pattern.test(received)),
    /** All that came until the other side closed. */
    closed: () => wait(() => closed),
    /** Cuts the connection, in the middle of whatever there is. */
    cut: () => void socket.resetAndDestroy(),
  };
}

/** The head of a request by hand. */
export function head(method: string, headers: Record<string, string | number>, as = "bob"): string {
  const all = { Host: "test", "Content-Type": "application/json", Authorization: `Bearer ${as}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${PATH}/${method} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Asks again and again until it holds; fails after 5 s. For what another process, or the other end of a socket, does. */
export async function eventually(holds: () => boolean | Promise<boolean>, about: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${about}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
