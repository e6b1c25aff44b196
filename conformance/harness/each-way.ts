import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted } from "../findings.js";
import type { Codec } from "../rpc/connect.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";
import { Watcher } from "./watcher.js";

/** A way to reach the server: in this codec, at this front end. */
export interface Way {
  codec: Codec;
  /** Index of the URL. */
  endpoint: number;
}

/** The codecs that the server declares, that of the case first. */
export function codecsOf({ session, info }: Context): Codec[] {
  const declared: readonly Codec[] = info.profiles.includes(Profile.JSON) ? ["proto", "json"] : ["proto"];
  return [session.codec, ...declared.filter((codec) => codec !== session.codec)];
}

/** All ways to reach the server: each front end, in each codec that the server declares. */
export function waysOf(t: Context): Way[] {
  return t.session.transport.urls.flatMap((_, endpoint) => codecsOf(t).map((codec) => ({ codec, endpoint })));
}

/** Expects GetServerInfo to respond, whatever state an inbox or a credential is in. */
export async function expectInfo(t: Context, way: Way, token: string | undefined, session = t.session): Promise<void> {
  const result = await session.call(SeqSyncService.method.getServerInfo, {}, { ...way, token });
  if (result.kind === "no-response") throw new NoResponseFailure("INFO-OPEN", "GetServerInfo", result.why);
  if (result.kind === "retryable") throw new RetriesExhausted(result.why, result.refusal?.code);
  if (result.kind === "malformed")
    t.fail(result.requirement, "a response to GetServerInfo is malformed", "a GetServerInfoResponse", result.why);
  t.that(result.kind === "response", "INFO-OPEN", "GetServerInfo was refused", "a response", "a refusal");
}

/** Opens a Watch, and expects its first frame to report this state. Does nothing on a server without WATCH. */
export async function expectWatch(
  t: Context,
  account: TestAccount,
  way: Way,
  { epoch, svrSeq }: { epoch: string; svrSeq: number },
): Promise<void> {
  if (!t.info.profiles.includes(Profile.WATCH)) return;
  const watcher = new Watcher(t, account, way);
  const frame = await watcher.expectFirstFrame();
  watcher.cancel();
  const violation = `the first frame of ${account.name}'s Watch does not report the state of the inbox`;
  t.equal({ epoch: frame.epoch, svrSeq: frame.svrSeq }, { epoch, svrSeq }, "WATCH-FIRST", violation);
}
