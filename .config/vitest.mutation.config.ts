import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** The tests that mutants of the core are run against: quick ones, without servers and processes. */
export default defineConfig({
  root: join(import.meta.dirname, ".."),
  test: {
    include: ["reference-server/{inbox,dedup,interleavings}.test.ts", "conformance/judge/*.test.ts"],
    // Random histories take long, and find by chance.
    exclude: ["conformance/judge/simulator.test.ts", "node_modules/**"],
    testTimeout: 60_000,
  },
});
