import type { RequirementId } from "../requirements/requirements.js";

/** A mutant as `seqsync mutants` lists it. */
export interface MutantInfo {
  name: string;
  breaks: RequirementId;
  about: string;
}

/** A message from the process that serves mutants to its parent, over the IPC channel of Node.js. */
export type MutantMessage =
  | { kind: "list"; mutants: MutantInfo[] }
  /** One URL for each front end; `restarts` if the process handles the message "restart". */
  | { kind: "listening"; urls: string[]; restarts: boolean }
  | { kind: "unknown" }
  | { kind: "restarted" };
