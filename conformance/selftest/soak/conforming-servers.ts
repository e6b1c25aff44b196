import { start as startConnect } from "../../../docs/guides/connect/server.js";
import { startReferenceServer } from "../../../reference-server/index.js";
import type { Running } from "../support/serve.js";
import { TIGHT_LIMITS, VARIANTS } from "../variants/variants.js";

/** Conforming servers: the reference server, an implementation that shares no code with it, and all variants. */
export const CONFORMING_SERVERS: readonly { name: string; start(): Promise<Running> }[] = [
  {
    name: "reference server",
    start: async () => {
      const server = await startReferenceServer({ fixtures: true });
      return { url: server.url, stop: () => server.close(0) };
    },
  },
  { name: "Connect library server", start: () => startConnect({ fixtures: true }) },
  ...[...VARIANTS, ...TIGHT_LIMITS],
];
