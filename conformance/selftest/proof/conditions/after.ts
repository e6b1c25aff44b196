import { type ConditionFamily, condition } from "../condition.js";
import type { Occasion, Target } from "../occasion.js";

const CALLS: readonly Target[] = ["send", "retry", "sync", "refusal"];
const ALL: readonly Target[] = [...CALLS, "wake", "revoked", "rotation", "crash"];

const after =
  (targets: readonly Target[], about: string, matches: (occasion: Occasion) => boolean): ConditionFamily =>
  () =>
    condition("after", targets, about, matches);

const codec =
  (targets: readonly Target[], about: string, matches: (occasion: Occasion) => boolean): ConditionFamily =>
  () =>
    condition("codec", targets, about, matches);

/** The event before a call. */
export const events: readonly ConditionFamily[] = [
  after(CALLS, "the account's call before was refused", ({ caller }) => caller.lastRefusal !== ""),
  (draw) => {
    const reason = draw.pick([
      "EPOCH_MISMATCH",
      "CLI_SEQ_AHEAD",
      "RECIPIENT_UNKNOWN",
      "CLIENT_MESSAGE_ID_REUSED",
      "CLIENT_MESSAGE_ID_INVALID",
      "PAYLOAD_TOO_LARGE",
    ]);
    const matches = ({ caller }: Occasion) => caller.lastRefusal === reason;
    return after(CALLS, `the account's call before was refused with ${reason}`, matches)(draw);
  },
  after([...CALLS, "wake"], "the recipient's call before was refused", ({ inbox }) => inbox.lastRefusal !== ""),
  after(ALL, "the inbox has a new epoch", ({ inbox }) => inbox.rotations > 0),
  after(ALL, "the sender's inbox has a new epoch", ({ caller }) => caller.rotations > 0),
  after(["send", "sync", "wake"], "a credential was revoked before", ({ traffic }) => traffic.revocations > 0),
  (draw) => ({
    ...after(
      ["send", "retry", "sync", "wake"],
      "the server was restarted",
      ({ traffic }) => traffic.restarts > 0,
    )(draw),
    restarts: true,
  }),
  after(
    ["send", "sync", "retry", "wake"],
    "the call before was a retry of a Send",
    ({ caller }) => caller.lastWasRetry,
  ),
  after(
    ["send", "sync", "wake", "rotation", "crash"],
    "the last Sync of the inbox came from a device that lags",
    ({ inbox }) => inbox.lastSyncLagged,
  ),
  after(
    ["send", "sync", "retry", "rotation", "crash"],
    "a Watch of the inbox is open",
    ({ inbox }) => inbox.openWatches > 0,
  ),
  after(["send", "sync", "retry"], "a Watch of the sender is open", ({ caller }) => caller.openWatches > 0),
  after(
    ["send", "wake", "rotation"],
    "all messages of the inbox are acknowledged, and it has had some",
    ({ inbox }) => inbox.pending === 0 && inbox.received > 0,
  ),
  after(["send", "sync", "wake"], "a request was cut off before", ({ traffic }) => traffic.cutRequests > 0),
  after(["send", "retry", "wake"], "the sender is the recipient", ({ caller, inbox }) => caller === inbox),
  after(
    ["send", "retry", "sync"],
    "another call of the account is in progress",
    ({ caller }) => caller.overlapping > 1,
  ),
  after(
    ["send", "wake"],
    "the inbox has unacknowledged messages of other senders",
    ({ inbox }) => inbox.pending > 0 && inbox.senders.size > 1,
  ),
];

const OTHER = { proto: "json", json: "proto" } as const;

/** The codecs of the call and of those before it. */
export const codecs: readonly ConditionFamily[] = [
  codec([...CALLS, "wake"], "the call is in JSON", ({ form }) => form?.codec === "json"),
  codec(CALLS, "the connection was used in the other codec before", ({ form }) =>
    form === undefined ? false : form.connection.codecs.has(OTHER[form.codec]),
  ),
  codec(CALLS, "the account's call before was in the other codec", ({ form, caller }) =>
    form === undefined ? false : caller.lastCodec === OTHER[form.codec],
  ),
  codec(["sync", "send", "wake"], "the last message to the inbox was sent in the other codec", ({ form, inbox }) =>
    form === undefined ? false : inbox.lastReceivedIn === OTHER[form.codec],
  ),
  codec([...CALLS, "wake"], "a Watch of the inbox in the other codec is open", ({ form, inbox }) =>
    form === undefined ? false : inbox.watchCodecs.includes(OTHER[form.codec]),
  ),
];
