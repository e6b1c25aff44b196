/**
 * The conformance suite: checks any Seq Sync server over its URL.
 *
 * @example
 * ```ts
 * import { run } from "seqsync/conformance";
 *
 * const report = await run({ urls: ["http://127.0.0.1:8080"] });
 * console.log(report.counts);
 * ```
 * @module
 */
export { type ListedAccount, poolAccounts } from "./accounts/pool.js";
export type { AccountSource, Lease, Unavailable, Wish } from "./accounts/source.js";
export type { Case, Needs } from "./cases/case.js";
export { CATALOGUE } from "./cases/catalogue.js";
export { Judge } from "./judge/judge.js";
export { REQUIREMENTS, type Requirement, type RequirementId } from "./registry/requirements.js";
export { type Renderer, type RenderOptions, type ReportFormat, renderers } from "./report/renderers.js";
export type { KnownFailure } from "./run/known-failures.js";
export { type RunOptions, run } from "./run/run.js";
export type { Job } from "./run/run-case.js";
export type { Finding } from "./verdict.js";
export { VERSION } from "./version.js";
export type { Codec } from "./wire/connect.js";
export type { ProxySettings } from "./wire/proxy.js";
export type { TlsSettings } from "./wire/socket.js";
