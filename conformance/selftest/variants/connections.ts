import { startReferenceServer } from "../../../reference-server/index.js";
import { type Beyond, startWithSlots } from "../support/connection-slots.js";
import { PROXY_SWITCHES, type ProxySwitches, startFrontProxy } from "../support/front-proxy.js";
import type { Running } from "../support/serve.js";
import { startTlsFront, type TlsFrontSwitches } from "../support/tls-front.js";

/** Starts the reference server behind a proxy with these switches. */
export async function startBehindProxy(switches: ProxySwitches): Promise<Running> {
  const server = await startReferenceServer({ fixtures: true });
  return startFrontProxy({ url: server.url, stop: () => server.close(0) }, switches);
}

async function startWithFewSlots(beyond: Beyond): Promise<Running> {
  const server = await startReferenceServer({ fixtures: true });
  return startWithSlots({ url: server.url, stop: () => server.close(0) }, 64, beyond);
}

const TLS_FRONTS: readonly { name: string; about: string; switches: TlsFrontSwitches }[] = [
  {
    name: "tls-closing",
    about: "closes its TLS connections after every third response, and breaks every tenth Watch",
    switches: { http2: false, closeEvery: 3, breakWatchEvery: 10 },
  },
  {
    name: "http2-closing",
    about:
      "closes its HTTP/2 connections by GOAWAY after every 20th response, and breaks every tenth Watch by RST_STREAM",
    switches: { http2: true, closeEvery: 20, breakWatchEvery: 10 },
  },
];

async function startBehindTls(switches: TlsFrontSwitches): Promise<Running> {
  const server = await startReferenceServer({ fixtures: true });
  return startTlsFront({ url: server.url, stop: () => server.close(0) }, switches);
}

/** The reference server behind a proxy, with each switch alone and with all of them. */
export const CONNECTIONS = [
  ...TLS_FRONTS.map(({ name, about, switches }) => ({
    name,
    about,
    affects: /^(watch|http|auth|info|errors)/,
    start: () => startBehindTls(switches),
  })),
  ...PROXY_SWITCHES.map(({ name, about, switches }) => ({
    name: `proxy-${name}`,
    about: `is behind a proxy that ${about}`,
    affects: /^(watch|http|auth|info|errors)/,
    start: () => startBehindProxy(switches),
  })),
  ...(["waits", "closes"] as const).map((beyond) => ({
    name: `64-connections-${beyond}`,
    about: `serves 64 connections at once; a further one ${beyond === "waits" ? "waits" : "is closed"}`,
    affects: /^/,
    start: () => startWithFewSlots(beyond),
  })),
  {
    name: "proxy-all",
    about: "is behind a proxy that does all of this",
    affects: /^/,
    start: () => startBehindProxy(Object.assign({}, ...PROXY_SWITCHES.map(({ switches }) => switches))),
  },
];
