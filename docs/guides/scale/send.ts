import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { digest } from "../../../reference-server/dedup.js";
import { refuse } from "../../../reference-server/errors.js";
import type { Tenure } from "./cluster.js";
import type { Placement } from "./design.js";
import type { Gateway, Respond, SendPath } from "./gateway.js";
import type { Letter } from "./history.js";
import { type Intent, keyOf } from "./shard.js";
import type { Timeline } from "./timeline.js";

const reused = () =>
  refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "client_message_id was used for another recipient or payload");

/** Returns the steps of a Send for a placement of its dedup record. */
export function sendPath(placement: Placement, timeline: Timeline): SendPath {
  const now = () => timestampFromMs(Math.round(timeline.now));

  /** At the sender's shard: stores the intent, before the recipient's shard is called. */
  const storeIntent = (sender: Tenure, letter: Letter): Intent => {
    const intent: Intent = {
      recipientId: letter.recipientId,
      digest: digest(letter.payload),
      attempt: sender.nextAttempt(),
      since: now(),
    };
    sender.data.intents.set(keyOf(letter.senderId, letter.clientMessageId), intent);
    return intent;
  };

  /** At the recipient's shard: appends once for each id, and stores the record in the same step. */
  const append = (gateway: Gateway, sender: Tenure, letter: Letter, intent: Intent, respond: Respond) =>
    gateway.call(gateway.route(letter.recipientId), respond, ({ data }) => {
      const { senderId, recipientId, clientMessageId, payload } = letter;
      const { flaw } = gateway.cluster.design;
      const key = keyOf(recipientId, senderId, clientMessageId);
      const earlier = data.taken.get(key);
      if (earlier !== undefined && flaw !== "append-twice") {
        if (earlier.digest !== intent.digest) throw reused();
        respond({ kind: "accepted", acceptedAt: earlier.acceptedAt });
        return;
      }
      const late = sender.term < (data.oldestTerm.get(sender.shard) ?? 0);
      const abandoned = intent.attempt <= (data.sealed.get(key) ?? 0);
      if (late || abandoned) {
        if (abandoned)
          gateway.call(
            sender,
            () => {},
            (owner) => renumber(owner, letter, intent),
          );
        respond({ kind: "retryable" });
        return;
      }
      const acceptedAt = flaw === "intent-as-message" ? intent.since : now();
      data.inbox(recipientId).append({ senderId, clientMessageId, payload, acceptedAt });
      data.taken.set(key, {
        senderId,
        recipientId,
        clientMessageId,
        digest: intent.digest,
        acceptedAt,
        attempt: intent.attempt,
      });
      respond({ kind: "accepted", acceptedAt });
    });

  /** Renumbers an intent that was sealed but not replaced; otherwise its Send could never be retried. */
  const renumber = (sender: Tenure, { senderId, clientMessageId }: Letter, intent: Intent) => {
    const key = keyOf(senderId, clientMessageId);
    if (sender.data.intents.get(key) === intent) {
      sender.data.intents.set(key, { ...intent, attempt: sender.nextAttempt() });
    }
  };

  /**
   * Settles an earlier intent of the same id for other content. If its recipient's shard has stored the message, the
   * Send is refused. Otherwise that shard seals the attempt, so that it is never appended, and the id is free.
   */
  const settle = (gateway: Gateway, sender: Tenure, letter: Letter, before: Intent, respond: Respond) =>
    gateway.call(gateway.route(before.recipientId), respond, ({ data }) => {
      const key = keyOf(before.recipientId, letter.senderId, letter.clientMessageId);
      if (data.taken.has(key)) throw reused();
      if (gateway.cluster.design.flaw !== "no-seal")
        data.sealed.set(key, Math.max(before.attempt, data.sealed.get(key) ?? 0));
      gateway.call(sender, respond, (owner) => {
        if (owner.data.intents.get(keyOf(letter.senderId, letter.clientMessageId)) !== before) {
          respond({ kind: "retryable" });
        } else append(gateway, owner, letter, storeIntent(owner, letter), respond);
      });
    });

  const byIntent: SendPath = (gateway, letter, respond) =>
    gateway.call(gateway.route(letter.senderId), respond, (sender) => {
      if (sender.recovering) {
        respond({ kind: "retryable" });
        return;
      }
      const before = sender.data.intents.get(keyOf(letter.senderId, letter.clientMessageId));
      if (before === undefined) append(gateway, sender, letter, storeIntent(sender, letter), respond);
      else if (before.recipientId !== letter.recipientId || before.digest !== digest(letter.payload)) {
        settle(gateway, sender, letter, before, respond);
      } else if (gateway.cluster.design.flaw === "intent-as-message") {
        respond({ kind: "accepted", acceptedAt: before.since });
      } else append(gateway, sender, letter, before, respond);
    });

  /** One transaction over both shards: both owners check the fence at the same moment. */
  const byTransaction: SendPath = (gateway, letter, respond) =>
    gateway.call(gateway.route(letter.senderId), respond, (sender) => {
      if (sender.recovering) {
        respond({ kind: "retryable" });
        return;
      }
      const key = keyOf(letter.senderId, letter.clientMessageId);
      const record = sender.data.records.get(key);
      const fresh = () =>
        gateway.at(gateway.route(letter.recipientId), respond, ({ data }) => {
          const { senderId, recipientId, clientMessageId, payload } = letter;
          const acceptedAt = now();
          const inbox = data.inbox(recipientId);
          inbox.append({ senderId, clientMessageId, payload, acceptedAt });
          const { epoch } = inbox;
          sender.data.records.set(key, { recipientId, epoch, digest: digest(payload), acceptedAt });
          respond({ kind: "accepted", acceptedAt });
        });
      if (record === undefined) fresh();
      else
        gateway.at(gateway.route(record.recipientId), respond, ({ data }) => {
          if (data.inbox(record.recipientId).epoch !== record.epoch) fresh();
          else if (record.recipientId !== letter.recipientId || record.digest !== digest(letter.payload))
            throw reused();
          else respond({ kind: "accepted", acceptedAt: record.acceptedAt });
        });
    });

  /** Involves only the recipient's shard. */
  const byRecipient: SendPath = (gateway, letter, respond) => {
    const unused = gateway.route(letter.senderId);
    const intent = { recipientId: letter.recipientId, digest: digest(letter.payload), attempt: 1, since: now() };
    append(gateway, unused, letter, intent, respond);
  };

  return { intent: byIntent, transaction: byTransaction, recipient: byRecipient }[placement];
}
