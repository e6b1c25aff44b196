import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** The tests for the mutation run: fast unit tests of the judge and the reference server's core, without servers or processes. */
export default defineConfig({
  root: join(import.meta.dirname, ".."),
  test: {
    include: ["reference-server/{inbox,dedup,interleavings}.test.ts", "conformance/judge/*.test.ts"],
    // Slow, and random: whether it detects a mutant depends on the seed.
    exclude: ["conformance/judge/simulator.test.ts", "node_modules/**"],
    testTimeout: 60_000,
  },
});
