import { setTimeout as pause } from "node:timers/promises";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { RETRY_DELAYS, Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";

/** What the server says of itself, or why it cannot be checked: one line for people. */
export type ProbeResult = { info: GetServerInfoResponse } | { problem: string; reachable: boolean };

/** Asks the target what it is. Nothing else is worth asking before that: on whatever is no Seq Sync server, no case can pass. */
export async function probe(transport: Transport): Promise<ProbeResult> {
  for (const [endpoint, url] of transport.urls.entries()) {
    const greeting = await probeOne(transport, endpoint, withoutUserInfo(url));
    if ("problem" in greeting || endpoint === transport.urls.length - 1) return greeting;
  }
  throw new Error("a target has at least one URL");
}

async function probeOne(transport: Transport, endpoint: number, url: string): Promise<ProbeResult> {
  const session = new Session(transport, "proto");
  // Nobody waits for an address where nothing listens; a server that asks for another try gets it.
  let outcome = await session.attempt(SeqSyncService.method.getServerInfo, {}, { endpoint });
  for (const wait of RETRY_DELAYS.retryable) {
    if (outcome.kind !== "retryable") break;
    await pause(wait);
    outcome = await session.attempt(SeqSyncService.method.getServerInfo, {}, { endpoint });
  }
  const notSeqSync = (why: string): ProbeResult => ({
    problem: `${url} does not look like a Seq Sync server: GetServerInfo answered ${why}`,
    reachable: true,
  });
  switch (outcome.kind) {
    case "response":
      return looksReal(outcome.value)
        ? { info: outcome.value }
        : notSeqSync("with no spec_version, profile or limit in it");
    case "refusal":
      return notSeqSync(`with the error ${outcome.refusal.code}`);
    case "malformed":
      return notSeqSync(outcome.why);
    case "retryable":
      return { problem: `${url} is not ready: GetServerInfo answered ${outcome.why}`, reachable: true };
    case "no-response":
      return {
        problem: `${url} cannot be reached: ${outcome.why}${outcome.hint === undefined ? "" : `; ${outcome.hint}`}`,
        reachable: false,
      };
  }
}

/** An empty message decodes from any empty body: only one that says something comes from a server that means it. */
function looksReal({ specVersion, profiles, maxPageSize }: GetServerInfoResponse): boolean {
  return specVersion !== "" || profiles.includes(Profile.CORE) || maxPageSize > 0;
}

/** A URL as it may be shown. */
export function withoutUserInfo(url: string): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.replace(/\/$/, "");
}
