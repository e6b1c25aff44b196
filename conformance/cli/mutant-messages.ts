import type { RequirementId } from "../requirements/requirements.js";

/** What `seqsync mutants` shows of a mutant. */
export interface MutantInfo {
  name: string;
  breaks: RequirementId;
  about: string;
}

/** What the process of the mutants tells its parent, over Node's IPC channel. */
export type MutantMessage =
  | { kind: "list"; mutants: MutantInfo[] }
  /** One URL for each front end; `restarts` if it takes the message "restart". */
  | { kind: "listening"; urls: string[]; restarts: boolean }
  | { kind: "unknown" }
  | { kind: "restarted" };
