import { defineConfig } from "vitest/config";
import Notes from "./notes.js";

/** A configuration that must not affect the verdicts: a short timeout, retries, shuffled order. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ["*.spec.ts"],
    testTimeout: 1,
    retry: 2,
    sequence: { shuffle: true, seed: 1 },
    reporters: [new Notes()],
  },
});
