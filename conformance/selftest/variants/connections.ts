import { startReferenceServer } from "../../../reference-server/index.js";
import { PROXY_SWITCHES, type ProxySwitches, startFrontProxy } from "../support/front-proxy.js";
import type { Running } from "../support/serve.js";

/** Starts the reference server behind a proxy with these switches. */
export async function startBehindProxy(switches: ProxySwitches): Promise<Running> {
  const server = await startReferenceServer({ fixtures: true });
  return startFrontProxy({ url: server.url, stop: () => server.close(0) }, switches);
}

/** The reference server behind a proxy, with each switch alone and with all of them. */
export const CONNECTIONS = [
  ...PROXY_SWITCHES.map(({ name, about, switches }) => ({
    name: `proxy-${name}`,
    about: `is behind a proxy that ${about}`,
    affects: /^(watch|http|auth|info|errors)/,
    start: () => startBehindProxy(switches),
  })),
  {
    name: "proxy-all",
    about: "is behind a proxy that does all of this",
    affects: /^/,
    start: () => startBehindProxy(Object.assign({}, ...PROXY_SWITCHES.map(({ switches }) => switches))),
  },
];
