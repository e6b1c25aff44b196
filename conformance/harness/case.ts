import type { RequirementId } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import type { Context } from "./context.js";

/** What a case cannot do without. */
export interface Needs {
  /** How many accounts: bob, then alice, carol, dave. Default 2; 0 where the case leases what it needs itself. */
  accounts?: 0 | 1 | 2 | 3 | 4;
  /** Accounts that nothing was ever sent to. */
  fresh?: true;
  /** Where bob's inbox stands at the start. */
  startSeq?: number;
  /** A way to make an inbox lose its data. */
  rotateEpoch?: true;
  /** A way to revoke a token. */
  revokeToken?: true;
  /** A way to kill the server and start it again. Such a case runs alone, after all others. */
  restart?: true;
}

/** A check of the catalogue: a stimulus, and what only this case expects. The judge checks all else on the wire. */
export interface Case {
  /** Chapter and name, such as "ack/old-device-does-not-lower". Stable: reports and lists of known failures hold it. */
  id: string;
  /** What happens, in a line. */
  title: string;
  /** The requirements that it checks; the first is the one that it is named for. */
  requirements: readonly [RequirementId, ...RequirementId[]];
  /** The codec that it is about. Default: it runs once in each that is checked. */
  codec?: Codec;
  /** It is about many messages, not about how they are encoded: it runs once, in the first codec that is checked. */
  bulk?: true;
  /** Runs although the server does not declare the requirement's profile: the case is about that. */
  undeclared?: "JSON" | "WATCH";
  /** What it cannot do without. Default: two accounts. */
  needs?: Needs;
  /** Takes longer than a few seconds by its nature: runs only if asked for. */
  slow?: true;
  /** Plays it. Resolves if the server did what is expected, and rejects with a breach or with why it could not be told. */
  run(t: Context): Promise<void>;
}
