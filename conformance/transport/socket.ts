import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterRunnableTime } from "./deadline.js";
import { type ProxySettings, proxyFor, tunnel } from "./proxy.js";
import { reportResets, simplifyResponseHeads } from "./response-head.js";

/** Options of TLS connections. */
export interface TlsSettings {
  /**
   * Certificates of the trusted authorities, in PEM.
   * @default the authorities that Node trusts
   */
  ca?: string;
  /**
   * Certificate of the client, in PEM.
   * @default none
   */
  cert?: string;
  /** Private key of the client's certificate, in PEM. */
  key?: string;
  /**
   * Whether to accept any certificate. A man in the middle can then read and change all traffic.
   * @default false
   */
  insecure?: boolean;
}

/** Options of connections to the target. */
export interface SocketOptions {
  /**
   * TLS options, for https: targets.
   * @default the authorities that Node trusts, and no client certificate
   */
  tls?: TlsSettings;
  /**
   * Proxies to use. The environment is not read.
   * @default none
   */
  proxy?: ProxySettings;
  /**
   * Time limit for a new connection, in milliseconds, including DNS, proxy and TLS handshake. More than 0.
   * @default 4000
   */
  connectTimeoutMs?: number;
  /**
   * Whether to use HTTP/2 if a TLS server offers it (http.md).
   * @default true
   */
  http2?: boolean;
}

/**
 * Opens a connection to a base URL, through its proxy if there is one. For https: resolves after the TLS handshake.
 * Rejects on an error or when the time limit passes.
 */
export async function openSocket(target: URL, options: SocketOptions = {}): Promise<Socket> {
  const { connectTimeoutMs = 4000 } = options;
  const stop = new AbortController();
  const timeOut = () => stop.abort(new Error(`no connection within ${connectTimeoutMs} ms`));
  const cancelTimer = afterRunnableTime(connectTimeoutMs, timeOut);
  try {
    return await open(target, options, stop.signal);
  } finally {
    cancelTimer();
  }
}

async function open(target: URL, { tls, proxy, http2 = true }: SocketOptions, signal: AbortSignal): Promise<Socket> {
  const secure = target.protocol === "https:";
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const port = Number(target.port || (secure ? 443 : 80));
  const via = proxyFor(target, proxy);
  const socket: Duplex =
    via === undefined
      ? await ready(connectTcp({ host, port, noDelay: true, keepAlive: true }), "connect", signal)
      : await tunnel(via, host, port, signal);
  if (!secure) return simplifyResponseHeads(reportResets(socket as Socket));
  const { insecure = false, ...identity } = tls ?? {};
  const secured = connectTls({
    socket,
    host,
    servername: isIP(host) === 0 ? host : "",
    rejectUnauthorized: !insecure,
    ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
    ...identity,
  });
  const connected = await ready(secured, "secureConnect", signal);
  return connected.alpnProtocol === "h2" ? connected : simplifyResponseHeads(reportResets(connected));
}

/** Resolves with the socket once it is open. */
function ready<T extends Socket>(socket: T, event: "connect" | "secureConnect", signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal.reason as Error);
    const closed = () => reject(new Error("the server closed the connection"));
    const done = () => {
      signal.removeEventListener("abort", abort);
      socket.off("error", reject).off("close", closed).off(event, done);
      resolve(socket);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once(event, done).once("error", reject).once("close", closed);
  });
}
