import type { Recorder } from "../history/recorder.js";
import type { AccountSource } from "./source.js";

/** Makes an inbox lose its data, and writes that down: once for each time that it was asked for, since each may have happened. */
export async function recordRotateEpoch(
  recorder: Recorder,
  rotateEpoch: NonNullable<AccountSource["rotateEpoch"]>,
  userId: string,
): Promise<void> {
  const call = () =>
    recorder.call("suite", 0, {
      case: "rotateCall",
      value: { $typeName: "seqsync.conformance.v1.RotateCall", userId },
    });
  let op = call();
  let attempts = 0;
  await rotateEpoch(userId, () => {
    attempts += 1;
    if (attempts === 1) return;
    recorder.complete(op, {
      case: "noResponse",
      value: { $typeName: "seqsync.conformance.v1.NoResponse", why: "it was asked for again" },
    });
    op = call();
  });
  recorder.complete(op, { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
}
