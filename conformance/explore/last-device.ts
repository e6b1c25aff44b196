import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Finding, NoResponseFailure, newFinding, RetriesExhausted, Violation } from "../findings.js";
import type { Recorder } from "../history/recorder.js";
import { Client } from "../rpc/client.js";
import { describeRefusal } from "../rpc/connect.js";
import type { Refusal } from "../rpc/result.js";
import type { Session } from "../rpc/session.js";
import { despiteOutage } from "./outage.js";
import type { ProgramAccount } from "./program-account.js";
import type { Findings } from "./run-findings.js";

/** Maximum number of pages of an inbox that are fetched: many more than the messages of a program. */
const MAX_PAGES = 300;

export interface LastDeviceOptions {
  session: Session;
  recorder: Recorder;
  findings: Findings;
  /** How long to wait for a server that has stopped responding, in milliseconds. */
  recoveryMs: number;
  /** Whether the last page is acked too. */
  ackLastPage: boolean;
}

/**
 * Fetches all messages of an account with a device of its own; each page but the last is acked by the next Sync. Returns
 * the last page; undefined if the server does not return it.
 */
export async function drain(
  account: ProgramAccount,
  { session, recorder, findings, recoveryMs, ackLastPage }: LastDeviceOptions,
): Promise<SyncResponse | undefined> {
  const client = new Client(session, recorder, account.lease, `${account.name}'s last device`);
  for (let cliSeq = 0, pages = 1; ; pages += 1) {
    const sync = () => client.sync({ cliSeq, epoch: "", pageSize: 0 });
    const result = await despiteOutage(session, recoveryMs, sync).catch((error: unknown) => {
      if (error instanceof Violation) findings.add(error.finding);
      else if (error instanceof NoResponseFailure) findings.add(withoutResponse(error));
      // A server that only asks to retry shows nothing.
      else if (!(error instanceof RetriesExhausted)) throw error;
      return undefined;
    });
    if (result?.kind === "refusal" && mayNotBeRefused(account, result.refusal))
      findings.add(refusedSync(result.refusal));
    if (result?.kind !== "response") return undefined;
    const { nextCliSeq, svrSeq, messages } = result.value;
    // A server may invent messages without end, which the judge reports.
    if (messages.length === 0 || nextCliSeq <= cliSeq || pages >= MAX_PAGES) return result.value;
    if (nextCliSeq >= svrSeq && !ackLastPage) return result.value;
    cliSeq = nextCliSeq;
  }
}

/** Only a token that may have been revoked may be refused. */
const mayNotBeRefused = ({ token }: ProgramAccount, { reason }: Refusal) =>
  token === "valid" || reason !== Reason.CREDENTIAL_INVALID;

/**
 * The device begins with cli_seq 0 and no epoch, and then uses next_cli_seq: no server may refuse its Syncs.
 */
const refusedSync = (refusal: Refusal): Finding =>
  newFinding({
    requirement: "SYNC-ANSWER",
    message: "a device that begins with cli_seq 0 and follows next_cli_seq was refused",
    expected: "a response",
    actual: describeRefusal(refusal),
  });

const withoutResponse = ({ requirement, message }: NoResponseFailure): Finding =>
  newFinding({ requirement, message, expected: "a response", actual: "no response, although the server is up" });
