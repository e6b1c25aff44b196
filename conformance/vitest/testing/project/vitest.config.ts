import { defineConfig } from "vitest/config";
import Notes from "./notes.js";

/** As unfriendly as a user's configuration may be: a short timeout, retries, another order. */
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
