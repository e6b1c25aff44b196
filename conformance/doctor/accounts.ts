import { randomBytes } from "node:crypto";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Account } from "../accounts/pool.js";
import { type AccountOptions, resolveAccounts } from "../accounts/resolve.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import { describeRefusal } from "../rpc/connect.js";
import type { CallResult } from "../rpc/result.js";
import { Session } from "../rpc/session.js";
import type { Secrets } from "../run/secrets.js";
import type { Transport } from "../transport/http.js";
import { type Found, ok, problem, problemOf, skipped, warning } from "./step.js";

const { send, sync } = SeqSyncService.method;

/** The accounts of a run, as far as the examination uses them. */
export interface AccountsResult {
  found: Found;
  /** Two accounts that may send and receive; empty if there are none. */
  pair: readonly Pick<Lease, "userId" | "token">[];
}

/** Whether there are accounts, and whether their tokens or the fixtures work. Their tokens become `secrets`. */
export async function examineAccounts(
  transport: Transport,
  options: AccountOptions,
  secrets: Secrets,
): Promise<AccountsResult> {
  const list = options.accounts !== undefined && !("lease" in options.accounts) ? options.accounts : undefined;
  for (const account of list ?? []) secrets.addAccount(account);
  const resolved = await resolveAccounts(transport, options);
  if ("unavailable" in resolved) return { found: problemOf(resolved.unavailable), pair: [] };
  const source = secrets.watch(resolved);
  try {
    if (list !== undefined)
      return {
        found: listed(source, list),
        pair: list.filter(({ fresh }) => !fresh).slice(0, 2),
      };
    const pair = await source.lease({ count: 2 });
    return { found: await fixtures(source), pair };
  } catch (error) {
    if (error instanceof Inconclusive) return { found: problemOf(error.message), pair: [] };
    throw error;
  }
}

function listed({ description }: AccountSource, accounts: readonly Account[]): Found {
  const fresh = accounts.filter((it) => it.fresh).length;
  return warning(
    `${description}, of which ${fresh} are new; the server accepts all tokens`,
    "cases that need more, such as data loss or a revoked token, will be inconclusive; the fixtures for tests allow them",
  );
}

/** Tries the other fixtures on an account of their own. */
async function fixtures({ lease, rotateEpoch, revokeToken, stepClock }: AccountSource): Promise<Found> {
  const [account] = await lease({ count: 1 });
  if (account === undefined) return problem("the fixtures create no account");
  const failed: string[] = [];
  const attempt = async (call: Promise<void> | undefined) => {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof Inconclusive)) throw error;
      failed.push(error.message);
    }
  };
  await attempt(rotateEpoch?.(account.userId));
  await attempt(revokeToken?.(account.token));
  await attempt(stepClock?.(0));
  if (failed.length === 0) return ok("the fixtures CreateAccount, RotateEpoch, RevokeToken and StepClock work");
  return warning(failed.join("; "), "the cases that need this fixture will be inconclusive");
}

const CORRECT_LIST = "correct the user_id in the list of accounts";

/** Whether a message from the first account reaches the second, under the ids that the list gives. */
export async function examineMessage(transport: Transport, pair: AccountsResult["pair"]): Promise<Found> {
  const [from, to] = pair;
  if (from === undefined || to === undefined) return skipped("needs two accounts that are not marked as new");
  const session = new Session(transport, "proto", 0, { noResponse: [100], retryable: [20, 100, 400] });
  const id = `doctor-${randomBytes(9).toString("base64url")}`;
  const message = { recipientId: to.userId, clientMessageId: id, payload: Buffer.from("x") };
  const sent = await session.call(send, message, { token: from.token });
  if (sent.kind !== "response") {
    const advice = sent.kind === "refusal" && sent.refusal.code === "not_found" ? "is its user_id right?" : undefined;
    return problem(`Send to the account ${to.userId} ${why(sent)}`, advice);
  }
  const synced = await session.call(sync, {}, { token: to.token });
  if (synced.kind !== "response") return problem(`Sync of the account ${to.userId} ${why(synced)}`);
  const { messages, svrSeq, ackedSeq } = synced.value;
  const received = messages.find(({ clientMessageId }) => clientMessageId === id);
  if (received === undefined && svrSeq > ackedSeq + messages.length)
    return ok("Send and Sync work; the inbox holds more than one page");
  if (received === undefined) {
    const own = await session.call(sync, {}, { token: from.token });
    if (own.kind === "response" && own.value.messages.some(({ clientMessageId }) => clientMessageId === id))
      return problem(
        `a message to ${to.userId} arrived in the inbox that belongs to the token of ${from.userId}`,
        CORRECT_LIST,
      );
    return warning("Send succeeds, but the message is not in the inbox", "is the user_id of each token right?");
  }
  if (received.senderId !== from.userId)
    return problem(
      `the server calls the sender ${received.senderId}, and the list calls it ${from.userId}`,
      CORRECT_LIST,
    );
  return ok("Send and Sync work");
}

function why(result: Exclude<CallResult<unknown>, { kind: "response" }>): string {
  if (result.kind === "refusal") return `is ${describeRefusal(result.refusal)}`;
  return `fails: ${result.why}`;
}
