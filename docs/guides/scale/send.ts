import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { digest } from "../../../reference-server/dedup.js";
import { refuse } from "../../../reference-server/errors.js";
import type { Tenure } from "./cluster.js";
import type { Placement } from "./design.js";
import type { Answer, Gateway, SendPath } from "./gateway.js";
import type { Letter } from "./history.js";
import { type Intent, keyOf } from "./shard.js";
import type { Timeline } from "./timeline.js";

const reused = () =>
  refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "client_message_id was used for another recipient or payload");

/** The ways of a Send over the shards, one for each placement of what is remembered of it. */
export function sendPath(placement: Placement, timeline: Timeline): SendPath {
  const now = () => timestampFromMs(Math.round(timeline.now));

  /** At the sender's shard: notes what the id is for, before anything else happens. */
  const intend = (sender: Tenure, letter: Letter): Intent => {
    const intent: Intent = {
      recipientId: letter.recipientId,
      digest: digest(letter.payload),
      attempt: sender.nextAttempt(),
      since: now(),
    };
    sender.data.intents.set(keyOf(letter.senderId, letter.clientMessageId), intent);
    return intent;
  };

  /** At the recipient's shard: once for each id, and remembered in the same step. */
  const append = (gateway: Gateway, sender: Tenure, letter: Letter, intent: Intent, answer: Answer) =>
    gateway.call(gateway.route(letter.recipientId), answer, ({ data }) => {
      const { senderId, recipientId, clientMessageId, payload } = letter;
      const { flaw } = gateway.cluster.design;
      const key = keyOf(recipientId, senderId, clientMessageId);
      const earlier = data.taken.get(key);
      if (earlier !== undefined && flaw !== "append-again") {
        if (earlier.digest !== intent.digest) throw reused();
        answer({ kind: "accepted", acceptedAt: earlier.acceptedAt });
        return;
      }
      const late = sender.term < (data.oldestTerm.get(sender.shard) ?? 0);
      const givenUp = intent.attempt <= (data.sealed.get(key) ?? 0);
      if (late || givenUp) {
        if (givenUp)
          gateway.call(
            sender,
            () => {},
            (owner) => again(owner, letter, intent),
          );
        answer({ kind: "busy" });
        return;
      }
      const acceptedAt = flaw === "intent-answers" ? intent.since : now();
      data.inbox(recipientId).append({ senderId, clientMessageId, payload, acceptedAt });
      data.taken.set(key, {
        senderId,
        recipientId,
        clientMessageId,
        digest: intent.digest,
        acceptedAt,
        attempt: intent.attempt,
      });
      answer({ kind: "accepted", acceptedAt });
    });

  /** An intent was given up, and then not replaced: it gets a new number, or its Send could never be repeated. */
  const again = (sender: Tenure, { senderId, clientMessageId }: Letter, intent: Intent) => {
    const key = keyOf(senderId, clientMessageId);
    if (sender.data.intents.get(key) === intent) {
      sender.data.intents.set(key, { ...intent, attempt: sender.nextAttempt() });
    }
  };

  /**
   * The id was meant for something else. If that has become a message, the Send is refused; if not, its shard promises that it
   * never will, and the id is free.
   */
  const settle = (gateway: Gateway, sender: Tenure, letter: Letter, before: Intent, answer: Answer) =>
    gateway.call(gateway.route(before.recipientId), answer, ({ data }) => {
      const key = keyOf(before.recipientId, letter.senderId, letter.clientMessageId);
      if (data.taken.has(key)) throw reused();
      if (gateway.cluster.design.flaw !== "no-seal")
        data.sealed.set(key, Math.max(before.attempt, data.sealed.get(key) ?? 0));
      gateway.call(sender, answer, (owner) => {
        if (owner.data.intents.get(keyOf(letter.senderId, letter.clientMessageId)) !== before) {
          answer({ kind: "busy" });
        } else append(gateway, owner, letter, intend(owner, letter), answer);
      });
    });

  const byIntent: SendPath = (gateway, letter, answer) =>
    gateway.call(gateway.route(letter.senderId), answer, (sender) => {
      if (sender.recovering) {
        answer({ kind: "busy" });
        return;
      }
      const before = sender.data.intents.get(keyOf(letter.senderId, letter.clientMessageId));
      if (before === undefined) append(gateway, sender, letter, intend(sender, letter), answer);
      else if (before.recipientId !== letter.recipientId || before.digest !== digest(letter.payload)) {
        settle(gateway, sender, letter, before, answer);
      } else if (gateway.cluster.design.flaw === "intent-answers") {
        answer({ kind: "accepted", acceptedAt: before.since });
      } else append(gateway, sender, letter, before, answer);
    });

  /** One transaction over both shards: each owner is asked at the same moment whether it is one. */
  const byTransaction: SendPath = (gateway, letter, answer) =>
    gateway.call(gateway.route(letter.senderId), answer, (sender) => {
      if (sender.recovering) {
        answer({ kind: "busy" });
        return;
      }
      const key = keyOf(letter.senderId, letter.clientMessageId);
      const record = sender.data.records.get(key);
      const fresh = () =>
        gateway.at(gateway.route(letter.recipientId), answer, ({ data }) => {
          const { senderId, recipientId, clientMessageId, payload } = letter;
          const acceptedAt = now();
          const inbox = data.inbox(recipientId);
          inbox.append({ senderId, clientMessageId, payload, acceptedAt });
          const { epoch } = inbox;
          sender.data.records.set(key, { recipientId, epoch, digest: digest(payload), acceptedAt });
          answer({ kind: "accepted", acceptedAt });
        });
      if (record === undefined) fresh();
      else
        gateway.at(gateway.route(record.recipientId), answer, ({ data }) => {
          if (data.inbox(record.recipientId).epoch !== record.epoch) fresh();
          else if (record.recipientId !== letter.recipientId || record.digest !== digest(letter.payload))
            throw reused();
          else answer({ kind: "accepted", acceptedAt: record.acceptedAt });
        });
    });

  /** Nobody is asked but the recipient's shard. */
  const byRecipient: SendPath = (gateway, letter, answer) => {
    const nobody = gateway.route(letter.senderId);
    const intent = { recipientId: letter.recipientId, digest: digest(letter.payload), attempt: 1, since: now() };
    append(gateway, nobody, letter, intent, answer);
  };

  return { intent: byIntent, transaction: byTransaction, recipient: byRecipient }[placement];
}
