import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PacedWriter } from "./paced-writer.js";
import { headerOf, type ResponseHead, ResponseParser } from "./response-parser.js";
import type { Running } from "./serve.js";

/** What a proxy in front of a server does that HTTP and the specification allow. All switches can be combined. */
export interface ProxySwitches {
  /** Form of the bodies: in chunks of odd sizes with extensions and trailers, or without a length, up to the end of the connection. */
  bodies?: "chunks" | "until close";
  /** Writes header names in other cases, white space around values, and further headers. */
  headers?: "unusual";
  /** Sends responses in packets of a few bytes. */
  packets?: "tiny";
  /** Sends 103, 100 and 102 before each response. */
  informational?: true;
  /** Closes the connection after every n-th response, with and without `Connection: close` in turn. */
  closeEvery?: number;
  /** Breaks the connection of every n-th Watch, in all ways in turn, or does not open it and responds with 502. */
  breakWatchEvery?: number;
  /** Forwards every n-th unary request, but breaks the connection instead of forwarding the response. */
  loseResponseEvery?: number;
  /** Restarts at the first of every n requests: breaks all connections, and for a second responds with 408, 429, 502, 503 and 504 in turn. */
  restartEvery?: number;
}

/** Each switch that a soak can draw at random, alone or with others. */
export const PROXY_SWITCHES: readonly { name: string; about: string; switches: ProxySwitches }[] = [
  {
    name: "odd-chunks",
    about: "sends bodies in chunks of odd sizes, with extensions and trailers",
    switches: { bodies: "chunks" },
  },
  {
    name: "until-close",
    about: "sends bodies without a length, which end with the connection",
    switches: { bodies: "until close" },
  },
  {
    name: "unusual-headers",
    about: "writes header names in other cases, white space around values, and further headers",
    switches: { headers: "unusual" },
  },
  { name: "tiny-packets", about: "sends responses in packets of a few bytes", switches: { packets: "tiny" } },
  {
    name: "informational",
    about: "sends 103, 100 and 102 before each response",
    switches: { informational: true },
  },
  {
    name: "closing",
    about: "closes the connection after every third response, with and without announcing it",
    switches: { closeEvery: 3 },
  },
  {
    name: "breaking-watches",
    about: "breaks the connection of every tenth Watch",
    switches: { breakWatchEvery: 10 },
  },
  {
    name: "losing-responses",
    about: "breaks the connection instead of every 40th response",
    switches: { loseResponseEvery: 40 },
  },
  {
    name: "restarting",
    about: "restarts at the first of every 400 requests, and for a second responds with plain HTTP errors",
    switches: { restartEvery: 400 },
  },
];

const OUTAGE_MS = 1000;
const PLAIN_ERRORS = [
  "502 Bad Gateway",
  "503 Service Unavailable",
  "504 Gateway Timeout",
  "429 Too Many Requests",
  "408 Request Timeout",
];

/** Ways to break a Watch: after its nth part, by RST, by FIN, or by FIN within an envelope. */
const BREAKS: readonly { how: "reset" | "end" | "end within"; after: number }[] = [
  { how: "reset", after: 1 },
  { how: "end", after: 2 },
  { how: "end within", after: 1 },
  { how: "reset", after: 0 },
  { how: "end", after: 0 },
  { how: "end within", after: 2 },
];

/** Starts a proxy in front of a server that speaks plain HTTP/1.1. `stop` also stops the server. */
export async function startFrontProxy(inner: Running, switches: ProxySwitches): Promise<Running> {
  const shared = new Shared(switches);
  const { hostname, port } = new URL(inner.url);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    shared.add(client, upstream);
    new Connection(client, upstream, shared).relay();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      shared.breakAll();
      await Promise.all([closed, inner.stop()]);
    },
  };
}

/** What the connections of a proxy share: its switches, counts and outages. */
class Shared {
  readonly switches: ProxySwitches;
  readonly #sockets = new Set<Socket>();
  readonly #counts = new Map<string, number>();
  #downUntil = 0;

  constructor(switches: ProxySwitches) {
    this.switches = switches;
  }

  add(...sockets: Socket[]): void {
    for (const socket of sockets) {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    }
  }

  breakAll(except?: Socket): void {
    for (const socket of this.#sockets) if (socket !== except) socket.resetAndDestroy();
  }

  /** Counts an event. Returns its number if it is an nth one, and 0 otherwise. */
  nth(event: string, n: number | undefined): number {
    if (n === undefined) return 0;
    const count = (this.#counts.get(event) ?? 0) + 1;
    this.#counts.set(event, count);
    return count % n === 0 ? count / n : 0;
  }

  /** Whether the proxy cannot forward a request that comes from this client: it is starting again. */
  isDown(client: Socket): boolean {
    const { restartEvery } = this.switches;
    if (restartEvery === undefined) return false;
    if (performance.now() < this.#downUntil) return true;
    const count = (this.#counts.get("request") ?? 0) + 1;
    this.#counts.set("request", count);
    if (count % restartEvery !== 1) return false;
    this.#downUntil = performance.now() + OUTAGE_MS;
    // A body without a length that ends early seems to be complete: no client can notice the break.
    if (this.switches.bodies !== "until close") this.breakAll(client);
    return true;
  }

  plainError(): string {
    const count = this.#counts.get("plain error") ?? 0;
    this.#counts.set("plain error", count + 1);
    return PLAIN_ERRORS[count % PLAIN_ERRORS.length] ?? "";
  }
}

/** A connection of a client, and the one that it is forwarded to. */
class Connection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #shared: Shared;
  readonly #writer: PacedWriter;
  readonly #parser: ResponseParser;
  #isBusy = false;
  #isWatch = false;
  /** Number of parts of the body so far. */
  #parts = 0;
  #break: (typeof BREAKS)[number] | undefined;
  #losesResponse = false;
  #closes = false;
  /** Whether the body of the current response is sent in chunks. */
  #isChunked = false;
  #framing: "as it is" | "chunks" | "until close" = "as it is";

  constructor(client: Socket, upstream: Socket, shared: Shared) {
    this.#client = client;
    this.#upstream = upstream;
    this.#shared = shared;
    this.#writer = new PacedWriter(client, shared.switches.packets === "tiny");
    this.#parser = new ResponseParser({
      onHead: (head) => this.#onHead(head),
      onData: (data) => this.#onData(data),
      onEnd: () => this.#onEnd(),
    });
  }

  relay(): void {
    const client = this.#client;
    const upstream = this.#upstream;
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.resetAndDestroy());
    client.on("close", () => upstream.end());
    upstream.on("close", () => this.#writer.end());
    client.on("end", () => upstream.end());
    upstream.on("end", () => this.#writer.end());
    client.on("data", (bytes: Buffer) => this.#onRequestBytes(bytes));
    upstream.on("data", (bytes: Buffer) => {
      this.#parser.push(bytes);
      if (!this.#writer.isFull) return;
      upstream.pause();
      void this.#writer.drained().then(() => upstream.resume());
    });
  }

  #onRequestBytes(bytes: Buffer): void {
    const [, method, path = ""] = /^([A-Z]+) (\S+) HTTP\/1/.exec(bytes.toString("latin1", 0, 1000)) ?? [];
    if (!this.#isBusy && method !== undefined && !this.#begin(method, path)) return;
    if (this.#upstream.destroyed || this.#upstream.writableEnded) return;
    if (this.#upstream.write(bytes)) return;
    this.#client.pause();
    this.#upstream.once("drain", () => this.#client.resume());
  }

  /** Begins a request. Returns false if the proxy responds to it. */
  #begin(method: string, path: string): boolean {
    const { breakWatchEvery, loseResponseEvery } = this.#shared.switches;
    this.#isBusy = true;
    this.#parser.isToHead = method === "HEAD";
    this.#isWatch = path.endsWith("/Watch") && method === "POST";
    const turn = this.#isWatch ? this.#shared.nth("watch", breakWatchEvery) : 0;
    this.#break = turn === 0 ? undefined : BREAKS[(turn - 1) % (BREAKS.length + 1)];
    this.#losesResponse = !this.#isWatch && this.#shared.nth("call", loseResponseEvery) > 0;
    if (!this.#shared.isDown(this.#client) && (turn === 0 || this.#break !== undefined)) return true;
    const body = "<html><h1>the server cannot be reached</h1></html>";
    const lines = [
      `HTTP/1.1 ${this.#shared.plainError()}`,
      "Content-Type: text/html",
      `Content-Length: ${body.length}`,
      "Retry-After: 1",
      "Connection: close",
    ];
    this.#writer.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`));
    this.#writer.end();
    this.#client.removeAllListeners("data").resume();
    this.#upstream.destroy();
    return false;
  }

  #onHead(head: ResponseHead): void {
    if (head.status < 200) {
      this.#writer.write(formatHead(head, "as it is"));
      return;
    }
    if (this.#losesResponse) {
      this.#breakConnection("reset");
      return;
    }
    this.#parts = 0;
    if (this.#break?.after === 0) {
      this.#breakConnection(this.#break.how);
      return;
    }
    const { switches } = this.#shared;
    if (switches.informational) {
      for (const status of [103, 100, 102])
        this.#writer.write(formatHead({ status, reason: "", headers: [["X-Note", "one more"]] }, "as it is"));
    }
    const hasBody = !this.#parser.isToHead && ![204, 304].includes(head.status);
    this.#framing = (hasBody && switches.bodies) || "as it is";
    const turn = this.#shared.nth("response", switches.closeEvery);
    this.#closes = turn > 0 || this.#framing === "until close" || headerOf(head, "connection") === "close";
    const replaced =
      this.#framing === "until close"
        ? /^(content-length|transfer-encoding|connection|keep-alive)$/i
        : /^(content-length|transfer-encoding)$/i;
    const headers = head.headers.filter(([name]) => this.#framing === "as it is" || !replaced.test(name));
    if (this.#framing === "chunks") headers.push(["Transfer-Encoding", "Chunked"]);
    if (turn % 2 === 1) headers.push(["Connection", "close"]);
    this.#writer.write(formatHead({ ...head, headers }, switches.headers ?? "as it is"));
    this.#isChunked =
      this.#framing === "chunks" || (this.#framing === "as it is" && headerOf(head, "transfer-encoding") !== undefined);
  }

  #onData(data: Buffer): void {
    if (this.#client.destroyed) return;
    this.#parts += 1;
    const isLast = this.#break !== undefined && this.#parts >= this.#break.after;
    const sent = isLast && this.#break?.how === "end within" ? data.subarray(0, data.length >> 1) : data;
    if (!this.#isChunked) this.#writer.write(sent);
    else if (this.#framing === "as it is") this.#writer.write(chunk(sent));
    else for (const part of oddParts(sent)) this.#writer.write(chunk(part, ';note="a;b";x'));
    if (isLast) this.#breakConnection(this.#break?.how ?? "reset");
  }

  #onEnd(): void {
    this.#isBusy = false;
    if (this.#isChunked) {
      const trailers = this.#framing === "chunks" ? "Server-Timing: db;dur=1\r\nX-Checksum: 1\r\n" : "";
      this.#writer.write(Buffer.from(`${trailers === "" ? "0" : "000;last"}\r\n${trailers}\r\n`));
    }
    this.#isChunked = false;
    if (!this.#closes) return;
    this.#writer.end();
    this.#upstream.end();
  }

  #breakConnection(how: "reset" | "end" | "end within"): void {
    this.#upstream.destroy();
    if (how === "reset") void this.#writer.drained().then(() => this.#client.resetAndDestroy());
    else this.#writer.end();
  }
}

function formatHead({ status, reason, headers }: ResponseHead, style: "as it is" | "unusual"): Buffer {
  const isUnusual = style === "unusual";
  const more: [string, string][] = isUnusual
    ? [
        ["Via", "1.1 proxy"],
        ["X-Empty", ""],
        ["Vary", "Accept"],
        ["Vary", "Origin"],
      ]
    : [];
  const lines = [...headers, ...more].map(([name, value], index) => {
    if (!isUnusual) return `${name}: ${value}`;
    const cased = index % 3 === 0 ? name.toUpperCase() : index % 3 === 1 ? name.toLowerCase() : name;
    return `${cased}:${["", "  ", "\t", " \t "][index % 4]}${value}${index % 2 === 0 ? " \t" : ""}`;
  });
  return Buffer.from(
    `HTTP/1.1 ${status} ${isUnusual ? "" : reason}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`,
    "latin1",
  );
}

const chunk = (data: Buffer, extension = "") =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}${extension}\r\n`), data, Buffer.from("\r\n")]);

/** Splits data into parts of 1, 3, 9, 27, ... bytes. */
function oddParts(data: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < data.length; at += size, size = parts.length < 12 ? size * 3 : size)
    parts.push(data.subarray(at, at + size));
  return parts;
}
