import { create } from "@bufbuild/protobuf";
import { WatchResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import type { EffectFamily, WakeCall } from "../effect.js";

/** A client that stays this long without the frame that it is due can see the fault (WATCH-WAKE), in milliseconds. */
const WAKE_MS = 5_500;

/** Counts the fault as shown if the Watch is still open, and still without a frame, after the time that it is due in. */
function showIfOpen({ traffic, isOpen }: WakeCall, isSilent: () => boolean): void {
  traffic.fired += 1;
  setTimeout(() => {
    if (isOpen() && isSilent()) traffic.shown += 1;
  }, WAKE_MS).unref();
}

/** Effects on the frame of a Watch about a new message. */
export const wakeEffects: readonly EffectFamily[] = [
  () => ({
    kind: "lost",
    about: "a Watch gets no frame for a message, and none later",
    breaks: ["WATCH-WAKE", "WATCH-ALL"],
    target: "wake",
    apply: (call) => {
      call.silence();
      showIfOpen(call, () => true);
      return true;
    },
  }),
  (draw) => {
    const seconds = draw.integer(8, 20);
    return {
      kind: "late",
      about: `a Watch gets the frame for a message ${seconds} s late`,
      breaks: ["WATCH-WAKE", "WATCH-ALL"],
      target: "wake",
      apply: (call) => {
        const end = call.silence();
        showIfOpen(call, () => true);
        setTimeout(() => {
          end();
          if (call.isOpen()) call.write(create(WatchResponseSchema, call.inbox.state()));
        }, seconds * 1000).unref();
        return true;
      },
    };
  },
  () => ({
    kind: "wrong number",
    about: "the frame for a message has an svr_seq that is one too low, and no other frame follows",
    breaks: ["WATCH-WAKE", "WATCH-ALL"],
    target: "wake",
    apply: (call) => {
      const { epoch, svrSeq } = call.frame;
      const isReady = call.write(create(WatchResponseSchema, { epoch, svrSeq: svrSeq - 1 }));
      call.silence();
      showIfOpen(call, () => true);
      return isReady;
    },
  }),
  () => ({
    kind: "wrong number",
    about: "the frame for a message has an svr_seq that is one too high",
    breaks: ["WATCH-SYNC", "WATCH-MONOTONE"],
    target: "wake",
    apply: (call) => {
      const { epoch, svrSeq } = call.frame;
      if (svrSeq === 0xffff_ffff) return call.write(call.frame);
      call.traffic.fire(call.log, (_, it) => it.epoch === epoch && it.svrSeq <= svrSeq);
      return call.write(create(WatchResponseSchema, { epoch, svrSeq: svrSeq + 1 }));
    },
  }),
  () => ({
    kind: "reordered",
    about: "the frame for a message comes before an older one",
    breaks: ["WATCH-MONOTONE"],
    target: "wake",
    apply: (call) => {
      const { frame, before } = call;
      if (before === undefined || before.epoch !== frame.epoch || before.svrSeq >= frame.svrSeq)
        return call.write(frame);
      call.traffic.fireAndShow();
      return call.write(frame) && call.write(before);
    },
  }),
  () => ({
    kind: "misattributed",
    about: "the frame for a message tells the state of another inbox",
    breaks: ["WATCH-PRIVATE", "WATCH-SYNC", "WATCH-WAKE", "WATCH-MONOTONE", "EPOCH-STABLE"],
    target: "wake",
    apply: (call) => {
      const { stranger, frame } = call;
      if (stranger === undefined) return call.write(frame);
      call.traffic.fireAndShow();
      return call.write(create(WatchResponseSchema, stranger.inbox.state()));
    },
  }),
];
