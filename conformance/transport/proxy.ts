import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIPv4 } from "node:net";
import type { Duplex } from "node:stream";

/** Which proxy stands on the way to which target; as the environment variables of that name say it. */
export interface ProxySettings {
  /** URL of the proxy for http: targets. */
  http?: string | undefined;
  /** URL of the proxy for https: targets. */
  https?: string | undefined;
  /** Hosts that are called without one, separated by commas: `host`, `host:port`, `.domain`, or `*` for all. */
  no?: string | undefined;
}

/** What the environment says of proxies. The lower-case names come first, as they do for curl. */
export function proxySettings(env: NodeJS.ProcessEnv): ProxySettings {
  const of = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  return { http: of("http_proxy"), https: of("https_proxy"), no: of("no_proxy") };
}

/** The proxy on the way to a target; undefined if there is none. What is on this machine never has one. */
export function proxyFor(target: URL, { http, https, no = "" }: ProxySettings = {}): URL | undefined {
  const proxy = target.protocol === "https:" ? https : http;
  if (proxy === undefined || isLoopback(target.hostname)) return undefined;
  const port = target.port || (target.protocol === "https:" ? "443" : "80");
  const spared = no.split(/[\s,]+/).some((entry) => {
    const [, name = "", entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (name === "" || (entryPort !== undefined && entryPort !== port)) return false;
    const domain = name.replace(/^\*?\./, "");
    return name === "*" || target.hostname === domain || target.hostname.endsWith(`.${domain}`);
  });
  return spared ? undefined : new URL(proxy.includes("://") ? proxy : `http://${proxy}`);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

/**
 * A connection through a proxy, by CONNECT. Also to http: targets, where a forwarding proxy would put requests right that are wrong
 * on purpose.
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
      reject(proxyError(proxy, statusCode === 407 ? "it asks for a login (HTTP 407)" : `HTTP ${statusCode}`));
    });
    connecting.once("response", ({ statusCode }) => {
      connecting.destroy();
      reject(proxyError(proxy, `HTTP ${statusCode}`));
    });
    connecting.end();
  });
}

/** Says whose fault it is: not the target's. The proxy's login is not shown. */
const proxyError = (proxy: URL, why: string) => new Error(`the proxy ${proxy.host} gives no connection: ${why}`);
