import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterRunnableTime } from "./deadline.js";
import { type ProxySettings, proxyFor, tunnel } from "./proxy.js";

/** How a TLS connection is made. */
export interface TlsSettings {
  /** Certificates in PEM of the authorities that are trusted. Default: those of Node. */
  ca?: string;
  /** The client's certificate in PEM. */
  cert?: string;
  /** The key of the client's certificate in PEM. */
  key?: string;
  /** Takes any certificate: whoever stands in between can read and change everything. Default false. */
  insecure?: boolean;
}

/** How connections to the target are made. */
export interface SocketOptions {
  /** For https: targets. Default: Node's own authorities, no client certificate. */
  tls?: TlsSettings;
  /** Which proxy stands in between. Default: none, whatever the environment says. */
  proxy?: ProxySettings;
  /** How long a connection may take to be made, in milliseconds, name look-up, proxy and TLS included. Default 4,000. */
  connectTimeoutMs?: number;
  /** Whether HTTP/2 is taken where a TLS server offers it. Default true. */
  http2?: boolean;
}

/** Opens a connection to a base URL, through the proxy if there is one, and up to the end of the TLS handshake. */
export async function openSocket(target: URL, options: SocketOptions = {}): Promise<Socket> {
  const { connectTimeoutMs = 4000 } = options;
  const stop = new AbortController();
  const late = () => stop.abort(new Error(`no connection within ${connectTimeoutMs} ms`));
  const callOff = afterRunnableTime(connectTimeoutMs, late);
  try {
    return await open(target, options, stop.signal);
  } finally {
    callOff();
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
  if (!secure) return socket as Socket;
  const { insecure = false, ...identity } = tls ?? {};
  const secured = connectTls({
    socket,
    host,
    servername: isIP(host) === 0 ? host : "",
    rejectUnauthorized: !insecure,
    ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
    ...identity,
  });
  return ready(secured, "secureConnect", signal);
}

/** The socket, once it is open. */
function ready<T extends Socket>(socket: T, event: "connect" | "secureConnect", signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => socket.destroy(signal.reason as Error);
    const closed = () => reject(new Error("the server closed the connection"));
    const done = () => {
      signal.removeEventListener("abort", give);
      socket.off("error", reject).off("close", closed).off(event, done);
      resolve(socket);
    };
    signal.addEventListener("abort", give, { once: true });
    socket.once(event, done).once("error", reject).once("close", closed);
  });
}
