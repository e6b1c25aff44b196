import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { describeRefusal } from "../rpc/connect.js";
import { Session } from "../rpc/session.js";
import { openWatch, type StreamEnd } from "../rpc/watch.js";
import { WatchStream } from "../rpc/watch-stream.js";
import type { Transport } from "../transport/http.js";
import type { AccountsResult } from "./accounts.js";
import { type Found, milliseconds, ok, problem, skipped, warning } from "./step.js";

/** How long to wait for a frame, in milliseconds. A server has longer, but a frame needs no more than a round trip. */
const FRAME_MS = 2000;
const BUFFERING =
  "let every proxy in between pass each frame on at once (nginx: proxy_buffering off), and let the server flush it";

/** Whether frames of a Watch arrive at once: the first one without traffic, and another one after a Send. */
export async function examineWatch(
  transport: Transport,
  { profiles }: GetServerInfoResponse,
  pair: AccountsResult["pair"],
): Promise<Found> {
  if (!profiles.includes(Profile.WATCH)) return skipped("the server does not declare the profile WATCH");
  const [from, to] = pair;
  if (from === undefined || to === undefined) return skipped("needs two accounts that are not marked as new");
  const stream = new WatchStream();
  const started = performance.now();
  const { cancel } = openWatch(transport, { token: to.token, codec: "proto", endpoint: 0 }, stream);
  try {
    const first = await stream.waitForFrame(() => true, FRAME_MS);
    const time = milliseconds(performance.now() - started);
    if (!first && stream.end !== undefined)
      return problem(`the Watch ended before its first frame: ${endOf(stream.end)}`);
    // What is buffered may come once there is more of it.
    const before = stream.frames.length;
    const { send } = SeqSyncService.method;
    const message = {
      recipientId: to.userId,
      clientMessageId: `doctor-${Date.now()}-${process.pid}`,
      payload: Buffer.from("x"),
    };
    const sent = await new Session(transport, "proto").attempt(send, message, { token: from.token });
    const next = sent.kind === "response" && (await stream.waitForFrame(() => stream.frames.length > before, FRAME_MS));
    if (!first)
      return problem(
        `no frame within ${FRAME_MS / 1000} s, although the Watch is open${next ? "; it came after more traffic" : ""}: the response is buffered`,
        BUFFERING,
      );
    if (!next && sent.kind === "response")
      return warning(
        `the first frame came after ${time}, but none within ${FRAME_MS / 1000} s after a Send`,
        BUFFERING,
      );
    return ok(`the first frame came after ${time}${next ? ", and another one after a Send" : ""}`);
  } finally {
    cancel();
  }
}

function endOf(end: StreamEnd): string {
  if (end.kind === "end") return "without an error";
  return end.kind === "refusal" ? describeRefusal(end.refusal) : end.why;
}
