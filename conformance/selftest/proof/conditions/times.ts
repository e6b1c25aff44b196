import { type ConditionFamily, condition } from "../condition.js";
import type { Occasion, Target } from "../occasion.js";

const lasting =
  (
    targets: readonly Target[],
    about: (seconds: number) => string,
    [from, to]: readonly [number, number],
    ms: (occasion: Occasion) => number,
  ): ConditionFamily =>
  (draw) => {
    const seconds = draw.magnitude(from, to);
    return condition("time", targets, about(seconds), (it) => ms(it) >= seconds * 1000);
  };

const since = (at: number) => (at === 0 ? 0 : Date.now() - at);

/** Times that have passed without a call, a message, a frame or an ack. */
export const times: readonly ConditionFamily[] = [
  lasting(
    ["retry"],
    (s) => `${s} s have passed since the Send was accepted`,
    [1, 60],
    (it) => it.ageMs,
  ),
  lasting(
    ["sync"],
    (s) => `the oldest pending message is ${s} s old`,
    [1, 60],
    (it) => it.ageMs,
  ),
  lasting(
    ["wake"],
    (s) => `the Watch has had no frame for ${s} s`,
    [1, 40],
    (it) => it.ageMs,
  ),
  lasting(
    ["revoked"],
    (s) => `the token was revoked ${s} s ago`,
    [1, 60],
    (it) => it.ageMs,
  ),
  lasting(
    ["crash"],
    (s) => `the message is ${s} s old`,
    [1, 20],
    (it) => it.ageMs,
  ),
  lasting(
    ["send", "sync", "retry", "refusal"],
    (s) => `the account has made no call for ${s} s`,
    [1, 60],
    (it) => since(it.caller.lastCallAt),
  ),
  lasting(
    ["send", "wake"],
    (s) => `the inbox has had no message for ${s} s`,
    [1, 60],
    (it) => since(it.inbox.lastReceivedAt),
  ),
  lasting(
    ["send", "sync", "retry", "refusal"],
    (s) => `the connection was idle for ${s} s`,
    [1, 30],
    (it) => it.form?.connection.idleMs ?? 0,
  ),
];
