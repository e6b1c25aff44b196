import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIPv4 } from "node:net";
import type { Duplex } from "node:stream";

/** Proxies for the target, as in the environment variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export interface ProxySettings {
  /** URL of the proxy for http: targets. */
  http?: string | undefined;
  /** URL of the proxy for https: targets. */
  https?: string | undefined;
  /** Hosts that need no proxy, separated by commas: `host`, `host:port`, `.domain`, or `*` for all. */
  no?: string | undefined;
}

/** Reads the proxies from the environment. As with curl, the lower-case names take precedence. */
export function proxySettings(env: NodeJS.ProcessEnv): ProxySettings {
  const of = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  return { http: of("http_proxy"), https: of("https_proxy"), no: of("no_proxy") };
}

/** Returns the proxy for a target; undefined if it needs none. Loopback addresses never use a proxy. */
export function proxyFor(target: URL, { http, https, no = "" }: ProxySettings = {}): URL | undefined {
  const proxy = target.protocol === "https:" ? https : http;
  if (proxy === undefined || isLoopback(target.hostname)) return undefined;
  const port = target.port || (target.protocol === "https:" ? "443" : "80");
  const isExempt = no.split(/[\s,]+/).some((entry) => {
    const [, name = "", entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (name === "" || (entryPort !== undefined && entryPort !== port)) return false;
    const domain = name.replace(/^\*?\./, "");
    return name === "*" || target.hostname === domain || target.hostname.endsWith(`.${domain}`);
  });
  return isExempt ? undefined : new URL(proxy.includes("://") ? proxy : `http://${proxy}`);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

/**
 * Opens a connection through a proxy with CONNECT, also for http: targets: a forwarding proxy would correct or reject
 * requests that are malformed on purpose.
 */
export function tunnel(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const request = proxy.protocol === "https:" ? requestHttps : requestHttp;
  const path = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const login = Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`);
  return new Promise((resolve, reject) => {
    const connecting = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
      method: "CONNECT",
      path,
      headers: {
        host: path,
        ...(proxy.username === "" ? {} : { "proxy-authorization": `Basic ${login.toString("base64")}` }),
      },
      signal,
    });
    connecting.once("error", (error) => reject(signal.aborted ? signal.reason : proxyError(proxy, error.message)));
    connecting.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(proxyError(proxy, statusCode === 407 ? "it requires a login (HTTP 407)" : `HTTP ${statusCode}`));
    });
    connecting.once("response", ({ statusCode }) => {
      connecting.destroy();
      reject(proxyError(proxy, `HTTP ${statusCode}`));
    });
    connecting.end();
  });
}

/** Names the proxy, so that the error is not attributed to the target. Does not show the proxy's login. */
const proxyError = (proxy: URL, why: string) => new Error(`no connection through the proxy ${proxy.host}: ${why}`);
