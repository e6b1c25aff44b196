import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { explain } from "../transport/explain.js";
import { proxyFor } from "../transport/proxy.js";
import { openSocket, type SocketOptions } from "../transport/socket.js";
import { type Found, milliseconds, ok, problem, skipped, warning } from "./step.js";

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is worth a warning. */
const FEW_DAYS = 14;

/** Whether the host name of the URL has addresses. */
export async function examineDns(url: URL, { proxy }: SocketOptions): Promise<Found> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return ok(`${host} is an address`);
  const via = proxyFor(url, proxy);
  if (via !== undefined) return skipped(`the proxy ${via.host} looks up the name`);
  try {
    const addresses = await lookup(host, { all: true });
    return ok(`${host} is ${addresses.map(({ address }) => address).join(", ")}`);
  } catch (error) {
    const { why, hint } = explain(error);
    return problem(`${host}: ${why}`, hint);
  }
}

/** Whether the port accepts connections. */
export async function examineTcp(url: URL, options: SocketOptions): Promise<Found> {
  const plain = new URL(`http://${url.hostname}`);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  plain.port = port;
  const via = proxyFor(url, options.proxy);
  // The proxy for https: URLs is also used to reach their port.
  const proxy = via === undefined ? {} : { http: via.href };
  const started = performance.now();
  try {
    const socket = await openSocket(plain, { ...options, proxy });
    socket.destroy();
    const time = milliseconds(performance.now() - started);
    return ok(
      `port ${port} accepts connections${via === undefined ? "" : `, through the proxy ${via.host}`} (${time})`,
    );
  } catch (error) {
    const { why, hint } = explain(error);
    return problem(`port ${port}: ${why}`, hint ?? "is the server running, and does a firewall let it through?");
  }
}

/** The result of the TLS step, with the protocol that the server selected by ALPN. */
export interface TlsResult {
  found: Found;
  /** Whether the server selected HTTP/2. */
  http2: boolean;
}

/** Whether a TLS connection can be made, and with which version and certificate. */
export async function examineTls(url: URL, options: SocketOptions): Promise<TlsResult> {
  if (url.protocol !== "https:") return { found: plainText(url), http2: false };
  try {
    const socket = await openSocket(url, options);
    if (!(socket instanceof TLSSocket)) throw new Error("no TLS connection");
    const http2 = socket.alpnProtocol === "h2";
    const alpn = socket.alpnProtocol ? `, ALPN ${socket.alpnProtocol}` : ", no ALPN";
    const certificate = describe(socket.getPeerCertificate());
    const text = `${socket.getProtocol() ?? "TLS"}${alpn}; ${certificate.text}`;
    socket.destroy();
    if (options.tls?.insecure) return { found: warning(`${text}; the certificate is not checked (--insecure)`), http2 };
    if (certificate.days < FEW_DAYS) return { found: warning(text, "renew the certificate"), http2 };
    return { found: ok(text), http2 };
  } catch (error) {
    const { why, hint } = explain(error);
    return { found: problem(`${why}${await shownAnyway(url, options)}`, hint), http2: false };
  }
}

function plainText({ hostname }: URL): Found {
  const isLocal = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (isLocal) return skipped("not used (http:)");
  return warning(
    "not used (http:): tokens and messages cross the network unencrypted",
    "use https: if they are secret",
  );
}

/** The certificate that was not accepted, in brackets; empty if there is none. */
async function shownAnyway(url: URL, options: SocketOptions): Promise<string> {
  try {
    const socket = await openSocket(url, { ...options, tls: { ...options.tls, insecure: true } });
    const text = socket instanceof TLSSocket ? ` (${describe(socket.getPeerCertificate()).text})` : "";
    socket.destroy();
    return text;
  } catch {
    return "";
  }
}

function describe({ subject, issuer, subjectaltname, valid_to }: PeerCertificate): { text: string; days: number } {
  const days = Math.floor((Date.parse(valid_to) - Date.now()) / DAY_MS);
  const names = subjectaltname?.replaceAll(/(DNS|IP Address):/g, "") ?? nameOf(subject);
  const until = days < 0 ? `expired ${-days} days ago` : `${days} days left`;
  return { text: `certificate for ${names}, by ${nameOf(issuer)}, ${until}`, days };
}

const nameOf = (name: PeerCertificate["subject"] | undefined) =>
  [name?.CN ?? name?.O ?? "an unnamed authority"].flat().join(", ");
