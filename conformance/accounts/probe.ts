import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import type { Account } from "./pool.js";
import type { Unavailable } from "./source.js";

/** Number of accounts that are probed concurrently. */
const CONCURRENCY = 16;

/**
 * Makes a Sync with the token of each account, without acking anything. Returns why the accounts are unavailable if the
 * server rejects a token, so that a list of expired tokens is not reported as violations; undefined if it accepts all.
 */
export async function probeAccounts(
  transport: Transport,
  name: string,
  accounts: readonly Account[],
): Promise<Unavailable | undefined> {
  const session = new Session(transport, "proto");
  for (let from = 0; from < accounts.length; from += CONCURRENCY) {
    const results = await Promise.all(
      accounts
        .slice(from, from + CONCURRENCY)
        .map(({ token }) => session.call(SeqSyncService.method.sync, { pageSize: 1 }, { token, endpoint: 0 })),
    );
    const index = results.findIndex((result) => result.kind === "refusal" && result.refusal.code === "unauthenticated");
    if (index >= 0)
      return {
        unavailable: `the server does not accept the token of account ${from + index + 1} of ${name}; check that the token is for this server and has not expired`,
      };
  }
  return undefined;
}
