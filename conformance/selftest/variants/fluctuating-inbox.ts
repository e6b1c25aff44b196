import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { refuse } from "../../../reference-server/errors.js";
import { Inbox, type InboxLimits, MAX_SEQ, type NewMessage } from "../../../reference-server/inbox.js";

/**
 * Returns a function that makes inboxes whose capacity is no fixed number, as in a server that measures its free
 * memory: each has unacknowledged messages and refuses this share of the Sends with BACKLOG_FULL.
 */
export function fluctuatingInbox(share: number, random: () => number) {
  return (epoch: string, startSeq: number, limits: InboxLimits): Inbox => {
    const inbox = new Inbox(epoch, startSeq, limits);
    const append = inbox.append.bind(inbox);
    inbox.append = (message: NewMessage) => {
      if (inbox.svrSeq < MAX_SEQ && inbox.pending.size > 0 && random() < share)
        throw refuse(Reason.BACKLOG_FULL, "no room at the moment; retry later");
      return append(message);
    };
    return inbox;
  };
}
