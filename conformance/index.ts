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
export type { AccountRequest as Wish, AccountSource, Lease, Unavailable } from "./accounts/source.js";
export { CATALOGUE } from "./cases/catalogue.js";
export type { Finding } from "./findings.js";
export type { Case, Needs } from "./harness/case.js";
export { Judge } from "./judge/judge.js";
export type { RenderOptions } from "./report/formats/options.js";
export { type Renderer, type ReportFormat, renderers } from "./report/formats/renderers.js";
export { REQUIREMENTS, type Requirement, type RequirementId } from "./requirements/requirements.js";
export type { Codec } from "./rpc/connect.js";
export type { KnownFailure } from "./run/known-failures.js";
export { type RunOptions, run } from "./run/run.js";
export type { CaseRun as Job } from "./run/run-case.js";
export type { ProxySettings } from "./transport/proxy.js";
export type { TlsSettings } from "./transport/socket.js";
export { VERSION } from "./version.js";
