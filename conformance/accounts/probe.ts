import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { encode, interpret } from "../rpc/connect.js";
import { authorization, pathOf, request, Session } from "../rpc/session.js";
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
  const rejected: number[] = [];
  for (let from = 0; from < accounts.length; from += CONCURRENCY) {
    const results = await Promise.all(
      accounts.slice(from, from + CONCURRENCY).map(({ token }) => isRejected(session, token)),
    );
    for (const [index, rejects] of results.entries()) if (rejects) rejected.push(from + index + 1);
  }
  const [first] = rejected;
  if (first === undefined) return undefined;
  const which =
    rejected.length === accounts.length
      ? `any of the ${accounts.length} tokens`
      : `the token of account ${first}${rejected.length === 1 ? "" : ` and of ${rejected.length - 1} more`}`;
  return {
    unavailable: `the server does not accept ${which} of ${name}; check that they are for this server and have not expired`,
  };
}

/** Whether the server, or a gateway in front of it, refuses the credential, in whatever form. */
async function isRejected(session: Session, token: string): Promise<boolean> {
  const { sync } = SeqSyncService.method;
  const headers = { "content-type": "application/proto", ...authorization(token) };
  const body = encode("proto", sync.input, { pageSize: 1 });
  let status = 0;
  const result = await session.retry(async () => {
    const sent = await request(session.transport, { endpoint: 0, path: pathOf(sync), headers, body });
    if (sent.kind !== "response") return sent;
    status = sent.value.status;
    return interpret("proto", sync.output, sent.value);
  });
  if (result.kind === "refusal") return ["unauthenticated", "permission_denied"].includes(result.refusal.code);
  return result.kind === "malformed" && (status === 401 || status === 403);
}
