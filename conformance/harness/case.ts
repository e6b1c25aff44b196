import type { RequirementId } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import type { Context } from "./context.js";

/** Prerequisites of a case. */
export interface Needs {
  /**
   * Number of accounts: bob, then alice, carol, dave. 0 if the case leases its own accounts.
   * @default 2
   */
  accounts?: 0 | 1 | 2 | 3 | 4;
  /** The accounts must be new: no message was ever sent to them. */
  fresh?: true;
  /** `svr_seq` of bob's inbox at the start. */
  startSeq?: number;
  /** The fixture RotateEpoch, which makes an inbox lose its data. */
  rotateEpoch?: true;
  /** The fixture RevokeToken. */
  revokeToken?: true;
  /** The fixture StepClock, which steps the clock of the whole server. Such a case runs alone, after most others. */
  stepClock?: true;
  /** A command that kills and restarts the server. Such a case runs alone, after all others. */
  restart?: true;
}

/** A case of the catalogue, as `seqsync list` prints it. */
export interface CaseInfo {
  /**
   * Chapter and name, such as "ack/old-device-does-not-lower". Stable: reports and lists of known failures contain it.
   */
  id: string;
  /** Describes the case in one line. */
  title: string;
  /** The requirements that the case checks, the main one first. */
  requirements: readonly [RequirementId, ...RequirementId[]];
  /**
   * The codec that the case is about.
   * @default none: the case runs in each codec of the run
   */
  codec?: Codec;
  /**
   * The case is about many messages, or about the whole server, and not about the encoding: it runs once, in the first
   * codec of the run.
   */
  bulk?: true;
  /** The case runs only on servers that do not declare this profile. */
  undeclared?: "JSON" | "WATCH";
  /**
   * Prerequisites of the case.
   * @default two accounts
   */
  needs?: Needs;
  /** The case takes minutes or many messages, and runs only if thorough cases are requested. */
  thorough?: true;
  /** The case mostly waits: it starts at once and runs beside all others, so that waits do not add up. */
  waits?: true;
}

/** The id of a case from the id of its result, which also names the codec if it is not the binary one, and a second run. */
export const caseIdOf = (resultId: string) => resultId.replace(/( \(json\))?( \(varied\))?$/, "");

/**
 * A case with its code, which makes the calls and checks the expectations of this case only. The judge checks all other
 * requirements.
 */
export interface Case extends CaseInfo {
  /** Resolves if the server meets the expectations. Rejects with Violation, NoResponseFailure or Inconclusive. */
  run(t: Context): Promise<void>;
}
