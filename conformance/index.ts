/**
 * The conformance suite: checks any Seq Sync server over its URL.
 *
 * @example
 * ```ts
 * import { check } from "seqsync/conformance";
 *
 * const report = await check({ urls: ["http://127.0.0.1:8080"] });
 * console.log(report.counts);
 * ```
 * @module
 */
export type { Account } from "./accounts/pool.js";
export type { AccountOptions } from "./accounts/resolve.js";
export type { AccountRequest, AccountSource, Lease } from "./accounts/source.js";
export { CASES } from "./cases/catalogue.js";
export type { Exploration, ExplorationFailure } from "./explore/explore.js";
export {
  FAULT_LEVELS,
  type FaultLevel,
  NETWORK_FAULTS,
  type NetworkFault,
  type Operation,
  type Step,
  WRONG_CALLS,
  type WrongCall,
} from "./explore/program.js";
export type { Finding } from "./findings.js";
export type { CaseInfo, Needs } from "./harness/case.js";
export { type HistoryLine, readHistory } from "./history/file.js";
export { Judge } from "./judge/judge.js";
export type { RenderOptions } from "./report/formats/options.js";
export { type Renderer, type ReportFormat, renderers } from "./report/formats/renderers.js";
export { REQUIREMENTS, type Requirement, type RequirementId } from "./requirements/requirements.js";
export type { Codec } from "./rpc/connect.js";
export type { CaseRun } from "./run/case-run.js";
export { check } from "./run/check.js";
export type { CheckOptions, CheckPlan } from "./run/check-options.js";
export { type ExploreOptions, explore, type NotExplored } from "./run/explore.js";
export type { KnownFailure } from "./run/known-failures.js";
export type { ConnectionOptions } from "./transport/http.js";
export type { ProxySettings } from "./transport/proxy.js";
export type { SocketOptions, TlsSettings } from "./transport/socket.js";
export { VERSION } from "./version.js";
