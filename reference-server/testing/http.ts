import { once } from "node:events";
import { connect } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { startReferenceServer } from "../index.js";

export const PATH = "/seqsync.v1.SeqSyncService";

export type Options = NonNullable<Parameters<typeof startReferenceServer>[0]>;

/**
 * Starts a server with the accounts alice, bob and carol, whose tokens are their user ids. `inbox` returns that of bob.
 */
export async function serve(options: Options = {}) {
  const server = await startReferenceServer(options);
  for (const userId of ["alice", "bob", "carol"]) server.service.createAccount(userId, userId);
  return { ...server, inbox: () => server.service.accounts.authenticate("Bearer bob").account.inbox };
}

export interface Call {
  /** The token. Default bob; "" sends no credential. */
  as?: string;
  type?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  verb?: string;
}

/** Makes a call of SeqSyncService, or a request to a path. By default the body is an empty binary message. */
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

/** Makes a call in JSON. */
export async function callJson(url: string, method: string, body: unknown, more: Call = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await call(url, method, { type: "application/json", body: text, ...more });
  return { status: response.status, json: JSON.parse(response.body.toString()) as Record<string, unknown> };
}

/** Status, code and reason of a Connect error, such as "400 out_of_range CLI_SEQ_AHEAD". */
export function errorSummary({ status, body }: { status: number; body: Buffer }): string {
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

/** Opens a connection for requests that no HTTP client sends. */
export async function dial(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  let received = "";
  let closed = false;
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    notify();
  });
  // A server may close a connection with a reset.
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    notify();
  });

  const wait = (done: () => boolean) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        if (done()) resolve(received);
        else if (closed) reject(new Error(`the connection was closed after: ${received}`));
        else return;
        listeners.delete(check);
      };
      listeners.add(check);
      check();
    });
  return {
    socket,
    write: (bytes: string | Uint8Array) => void socket.write(bytes),
    /** Resolves with the received text once it matches. Rejects if the connection ends before. */
    until: (pattern: RegExp) => wait(() => pattern.test(received)),
    /** Resolves with the received text once the server has closed the connection. */
    closed: () => wait(() => closed),
    /** Resets the connection. */
    cut: () => void socket.resetAndDestroy(),
  };
}

/** The head of an HTTP request. */
export function head(method: string, headers: Record<string, string | number>, as = "bob"): string {
  const all = { Host: "test", "Content-Type": "application/json", Authorization: `Bearer ${as}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${PATH}/${method} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Polls a condition every 5 ms. Rejects after 5 s. */
export async function eventually(holds: () => boolean | Promise<boolean>, description: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${description}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
