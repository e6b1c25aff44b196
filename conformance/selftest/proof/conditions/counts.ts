import { type ConditionFamily, condition, type Draw } from "../condition.js";
import type { Occasion, Target } from "../occasion.js";

const ALL: readonly Target[] = ["send", "retry", "sync", "refusal", "wake", "revoked", "rotation", "crash"];
const SENDS: readonly Target[] = ["send", "retry", "wake"];

/** A count that has reached, is exactly, or is a multiple of a number that is drawn. */
const counted =
  (
    targets: readonly Target[],
    what: string,
    [from, to]: readonly [number, number],
    count: (occasion: Occasion) => number,
    ways: readonly ("from" | "every")[] = ["from", "every"],
  ): ConditionFamily =>
  (draw: Draw) => {
    const n = draw.magnitude(from, to);
    return draw.pick(ways) === "from"
      ? condition("count", targets, `${what} is at least ${n}`, (it) => count(it) >= n)
      : condition("count", targets, `${what} is a multiple of ${n}`, (it) => count(it) > 0 && count(it) % n === 0);
  };

/** Thresholds in numbers of messages, senders, accounts, devices, Watches, epochs and so on. */
export const counts: readonly ConditionFamily[] = [
  counted(ALL, "the number of messages that the inbox has ever had", [20, 5000], (it) => it.inbox.received),
  counted(ALL, "the number of pending messages of the inbox", [20, 5000], (it) => it.inbox.pending, ["from"]),
  counted(ALL, "the number of pending bytes of the inbox", [10_000, 8_000_000], (it) => it.inbox.pendingBytes, [
    "from",
  ]),
  counted(ALL, "svr_seq of the inbox", [16, 5000], (it) => it.inbox.svrSeq),
  (draw) => {
    const bits = draw.integer(4, 31);
    const matches = ({ inbox }: Occasion) => inbox.svrSeq >= 2 ** bits && inbox.svrSeq < 2 ** bits + 8;
    return condition("count", ALL, `svr_seq is from 2^${bits} to 2^${bits} + 7`, matches);
  },
  (draw) => {
    const digits = draw.integer(2, 9);
    const matches = ({ inbox }: Occasion) => inbox.svrSeq >= 10 ** digits - 1 && inbox.svrSeq <= 10 ** digits + 4;
    return condition("count", ALL, `svr_seq is about to get, or just got, ${digits + 1} digits`, matches);
  },
  counted(ALL, "the number of senders that the inbox has had messages of", [3, 300], (it) => it.inbox.senders.size, [
    "from",
  ]),
  counted(SENDS, "the number of Sends of the sender", [30, 10_000], (it) => it.caller.sends),
  counted(ALL, "the number of Sends that the server has accepted", [1000, 20_000], (it) => it.traffic.stored, ["from"]),
  counted(["sync", "send", "refusal"], "the number of Syncs of the account", [20, 2000], (it) => it.inbox.syncs),
  counted(ALL, "the number of acks of the inbox", [5, 500], (it) => it.inbox.acks),
  counted(ALL, "the number of the account, by creation,", [100, 3000], (it) => it.inbox.nr),
  counted(ALL, "the number of refusals that the account has had", [3, 100], (it) => it.caller.refusals, ["from"]),
  counted(ALL, "the number of retries of the sender", [2, 100], (it) => it.caller.retries, ["from"]),
  counted(ALL, "the number of epochs that the inbox has had", [1, 30], (it) => it.inbox.rotations, ["from"]),
  counted(ALL, "the number of open Watches of the account", [2, 20], (it) => it.inbox.openWatches, ["from"]),
  counted(ALL, "the number of Watches that the account has ever opened", [3, 100], (it) => it.inbox.watches, ["from"]),
  counted(["wake"], "the number of frames that the account has had", [10, 1000], (it) => it.inbox.frames),
  counted(
    ["send", "retry", "sync", "refusal", "revoked"],
    "the number of calls on the connection",
    [10, 1000],
    (it) => it.form?.connection.calls ?? 0,
  ),
  counted(
    ["send", "sync", "retry"],
    "the number of calls of the account that overlap",
    [2, 16],
    (it) => it.caller.overlapping,
    ["from"],
  ),
];
