import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** The tests that mutants of the core are run against: quick ones, without servers and processes. */
export default defineConfig({
  root: join(import.meta.dirname, ".."),
  test: {
    include: [
      "reference-server/{inbox,dedup,interleavings}.test.ts",
      "conformance/judge/{judge,breaches,page,epochs,snapshots,sends,acks,messages,inbox,inbox-losses,loss-under-way}.test.ts",
    ],
    testTimeout: 60_000,
  },
});
