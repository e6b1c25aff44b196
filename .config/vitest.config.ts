import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** `npm test`: every `*.test.ts`, beside the source that it is about. Files run in parallel; each starts its own servers and ports. */
export default defineConfig({
  root: join(import.meta.dirname, ".."),
  test: {
    include: ["{proto,reference-server,conformance,docs}/**/*.test.ts"],
    // Many tests wait for processes and sockets: vitest's default leaves a core idle.
    maxWorkers: "100%",
    // Tests start processes and servers, and CI machines are slow. No test waits for a fixed time, so a long limit costs nothing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
