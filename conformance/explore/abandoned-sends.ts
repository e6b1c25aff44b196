import { durationMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { noResponse, sendCall } from "../history/events.js";
import { type Recorder, SUITE } from "../history/recorder.js";
import type { Credentials, SendArguments } from "../rpc/client.js";
import type { CallResult } from "../rpc/result.js";
import type { Session } from "../rpc/session.js";

/** A Send whose outcome no client knows: it may take effect at any later time. */
interface AbandonedSend {
  sender: Credentials;
  message: SendArguments;
}

/** A shorter dedup window, in milliseconds, may end before an abandoned Send takes effect. */
const MIN_WINDOW_MS = 60_000;
/** Number of Sends to keep for each recipient: what has not taken effect long ago never will. */
const MAX_SENDS = 50;

/**
 * The Sends whose outcome no client knows, by recipient. If accounts are few, a later program or case uses them again,
 * and must not blame the server for a message that an earlier program has sent.
 */
export class AbandonedSends {
  readonly #byRecipient = new Map<string, Map<string, AbandonedSend>>();

  /** Notes the result of an attempt. `mayArriveTwice` if the network has made a copy of the request. */
  noteResult(
    sender: Credentials,
    message: SendArguments,
    { kind }: Pick<CallResult<unknown>, "kind">,
    mayArriveTwice: boolean,
  ): void {
    const key = keyOf(sender, message);
    // Once the message is accepted, other attempts have no effect.
    if (kind === "response") this.#delete(message, key);
    else if (kind !== "refusal" || mayArriveTwice) this.#add({ sender, message }, key);
  }

  /**
   * Sends each message to these recipients again, until the outcome is known: whatever arrives afterwards is a retry,
   * and has no effect. Keeps those whose outcome is still unknown.
   */
  async settle(recipients: readonly Credentials[], session: Session, info: GetServerInfoResponse): Promise<void> {
    const { dedupWindow } = info;
    const isRemembered = dedupWindow !== undefined && durationMs(dedupWindow) >= MIN_WINDOW_MS;
    if (!isRemembered) return;
    for (const { userId } of recipients) {
      for (const [key, { sender, message }] of [...(this.#byRecipient.get(userId) ?? [])]) {
        const result = await session.call(SeqSyncService.method.send, message, { token: sender.token });
        if (isSettled(result)) this.#delete(message, key);
        // The server is down, or overloaded.
        else if (result.kind !== "refusal") return;
      }
    }
  }

  /** Drops the Sends to these recipients, whose accounts are not used again. */
  drop(recipients: readonly Credentials[]): void {
    for (const { userId } of recipients) this.#byRecipient.delete(userId);
  }

  /** Records the Sends to these recipients, so that the judge allows for them. */
  record(recipients: readonly Credentials[], recorder: Recorder): void {
    for (const { userId } of recipients) {
      for (const { sender, message } of this.#byRecipient.get(userId)?.values() ?? []) {
        const op = recorder.call(SUITE, 0, sendCall({ ...message, senderId: sender.userId }));
        recorder.complete(op, noResponse("an attempt of an earlier program, which may still take effect"));
      }
    }
  }

  #add(send: AbandonedSend, key: string): void {
    const { recipientId } = send.message;
    const sends = this.#byRecipient.get(recipientId) ?? new Map<string, AbandonedSend>();
    this.#byRecipient.set(recipientId, sends.set(key, send));
    const [oldest] = sends.keys();
    if (sends.size > MAX_SENDS && oldest !== undefined) sends.delete(oldest);
  }

  #delete({ recipientId }: SendArguments, key: string): void {
    const sends = this.#byRecipient.get(recipientId);
    sends?.delete(key);
    if (sends?.size === 0) this.#byRecipient.delete(recipientId);
  }
}

/** Whether no other attempt can take effect: the message, or another one with its id, was accepted. */
const isSettled = (result: CallResult<unknown>) =>
  result.kind === "response" ||
  (result.kind === "refusal" && result.refusal.reason === Reason.CLIENT_MESSAGE_ID_REUSED);

const keyOf = (sender: Credentials, { clientMessageId, payload }: SendArguments) =>
  JSON.stringify([sender.userId, clientMessageId, Buffer.from(payload).toString("base64")]);
