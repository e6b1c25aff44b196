import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { AccountSource } from "../accounts/source.js";
import type { AbandonedSends } from "./abandoned-sends.js";
import type { Sessions } from "./attempts.js";
import type { Turns } from "./turns.js";

/** What a program needs to run. */
export interface Environment extends Sessions {
  source: AccountSource;
  /** What the server declared last. */
  info: GetServerInfoResponse;
  devices: number;
  seed: number;
  /** Prefix that makes the ids of this run unique. */
  nonce: string;
  /** The Sends of earlier programs whose outcome is unknown. */
  abandoned: AbandonedSends;
  /** How long to wait for a server that has stopped responding, in milliseconds. */
  recoveryMs: number;
  /** Multiplies the time limits of the specification. */
  timeoutScale: number;
  /** Restarts the server; undefined if that is not possible. */
  restart: (() => Promise<void>) | undefined;
  /** A restart concerns all programs that run: one that restarts the server runs alone. */
  turns: Turns;
}
