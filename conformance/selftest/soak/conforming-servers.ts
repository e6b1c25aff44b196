import { start as startConnect } from "../../../docs/guides/connect/server.js";
import { startReferenceServer } from "../../../reference-server/index.js";
import type { Running } from "../support/serve.js";
import { recipeOf, startRecipe } from "../variants/random-server.js";
import { TIGHT_LIMITS, VARIANTS } from "../variants/variants.js";

/** A conforming server. */
export interface ConformingServer {
  name: string;
  /** Describes what the seed determines; undefined if the server does not depend on it. */
  describe?(seed: number): string;
  start(seed: number): Promise<Running>;
}

/**
 * Conforming servers: the reference server, an implementation that shares no code with it, all variants, and a random
 * combination of their properties, another one for each seed.
 */
export const CONFORMING_SERVERS: readonly ConformingServer[] = [
  {
    name: "reference server",
    start: async () => {
      const server = await startReferenceServer({ fixtures: true });
      return { url: server.url, stop: () => server.close(0) };
    },
  },
  { name: "Connect library server", start: () => startConnect({ fixtures: true }) },
  ...VARIANTS,
  ...TIGHT_LIMITS,
  {
    name: "random",
    describe: (seed) => JSON.stringify(recipeOf(seed)),
    start: (seed) => startRecipe(recipeOf(seed), seed),
  },
];
