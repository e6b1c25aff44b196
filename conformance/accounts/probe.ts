import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import type { ListedAccount } from "./pool.js";
import type { Unavailable } from "./source.js";

/** Accounts that are asked about at the same time. */
const AT_ONCE = 16;

/**
 * Asks once with each account's token, which acknowledges nothing: a list that has expired must not read as a server that breaks
 * its requirements. Undefined if none is refused.
 */
export async function probeAccounts(
  transport: Transport,
  route: string,
  listed: readonly ListedAccount[],
): Promise<Unavailable | undefined> {
  const session = new Session(transport, "proto");
  for (let from = 0; from < listed.length; from += AT_ONCE) {
    const some = listed.slice(from, from + AT_ONCE);
    const answers = await Promise.all(
      some.map(({ token }) => session.call(SeqSyncService.method.sync, { pageSize: 1 }, { token, endpoint: 0 })),
    );
    const at = answers.findIndex((it) => it.kind === "refusal" && it.refusal.code === "unauthenticated");
    if (at >= 0)
      return {
        unavailable: `the server does not accept the token of account ${from + at + 1} of ${route}; check that it is this server's, and not expired`,
      };
  }
  return undefined;
}
