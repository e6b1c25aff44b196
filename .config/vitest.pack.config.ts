import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** `npm run test:pack`: the package as a user gets it. Apart from `npm test`, because it installs from a registry. */
export default defineConfig({
  root: join(import.meta.dirname, ".."),
  test: { include: [".config/pack.test.ts"], testTimeout: 120_000, hookTimeout: 300_000 },
});
