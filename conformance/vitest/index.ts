/**
 * The conformance suite as vitest tests.
 *
 * @example
 * ```ts
 * import { startReferenceServer } from "seqsync/reference-server";
 * import { describeConformance } from "seqsync/vitest";
 * import { afterAll } from "vitest";
 *
 * const server = await startReferenceServer({ fixtures: true });
 * afterAll(() => server.close());
 * describeConformance({ urls: [server.url] });
 * ```
 * @module
 */
export { describeConformance } from "./describe-conformance.js";
export type { ConformanceOptions } from "./options.js";
