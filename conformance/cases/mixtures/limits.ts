import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import { tryFillBacklog } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectInfo, expectWatch, type Way, waysOf } from "../../harness/each-way.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";
import { describeRefusal } from "../../rpc/connect.js";

const MAX_SEQ = 0xffff_ffff;
/** Maximum number of messages that fill an inbox. A server that accepts more has no full inbox in this case. */
const MAX_BACKLOG = 300;

/** Mixtures: an inbox that accepts nothing more, and each kind of call. */
export const limits: readonly Case[] = [
  {
    // § SEQ-EXHAUSTED: A Send to an inbox whose `svr_seq` is 4294967295 MUST be refused with `resource_exhausted` and
    // § the reason SEQ_EXHAUSTED, if it is not a retry and no other refusal applies to it, and the numbering MUST NOT
    // § wrap.
    id: "seq/each-call-when-exhausted",
    title: "In an exhausted inbox each kind of call gets its answer, in each codec at each front end",
    requirements: ["SEQ-EXHAUSTED", "SEQ-EXHAUSTED-SYNC", "SEND-RETRY-FIRST", "EPOCH-MISMATCH"],
    needs: { startSeq: MAX_SEQ - 1 },
    async run(t) {
      const { bob, alice } = t;
      const last = await alice.send(bob, t.filler("the last one"));
      const expectCalls = async (way: Way, pending: readonly SentMessage[]) => {
        const { epoch } = await expectOtherCalls(t, way, { last, svrSeq: MAX_SEQ });
        const send = await alice.trySend(bob, t.filler("one too many"), way);
        t.refused(send, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox");
        const self = await bob.trySend(bob, t.filler("one too many"), way);
        t.refused(self, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to one's own exhausted inbox");
        const page = await bob.device().sync({ epoch }, way);
        t.fields(page, { svrSeq: MAX_SEQ }, "SEQ-EXHAUSTED-SYNC", "svr_seq of an exhausted inbox has changed");
        const violation = "a Sync in an exhausted inbox does not return exactly the pending messages";
        t.page(page, MAX_SEQ, pending, "SEQ-EXHAUSTED-SYNC", violation);
      };
      for (const way of waysOf(t)) await expectCalls(way, [last]);
      await bob.device().sync({ cliSeq: MAX_SEQ });
      for (const way of waysOf(t)) await expectCalls(way, []);
    },
  },
  {
    // § SEND-BACKLOG: A server that accepts no more unacknowledged messages into an inbox MUST refuse a Send to it with
    // § `resource_exhausted` and the reason BACKLOG_FULL, if the Send is not a retry and no other refusal applies to
    // § it, and MUST NOT drop an accepted message to make room.
    id: "send/each-call-when-full",
    title: `In an inbox that is full with up to ${MAX_BACKLOG} messages each kind of call gets its answer`,
    requirements: ["SEND-BACKLOG", "SEND-RETRY-FIRST", "EPOCH-MISMATCH", "SEND-ID-FREE"],
    bulk: true,
    async run(t) {
      const { bob, alice } = t;
      const { sent, refused } = await tryFillBacklog(t, MAX_BACKLOG);
      const [first] = sent;
      if (refused === undefined || first === undefined) return;
      const all = [...sent];
      for (const way of waysOf(t)) {
        const svrSeq = bob.base + all.length;
        const { epoch } = await expectOtherCalls(t, way, { last: first, svrSeq });
        const { clientMessageId: id, payload } = refused;
        for (const attempt of [1, 2]) {
          const send = await alice.trySend(bob, payload, { id: attempt === 1 ? id : t.newId(), ...way });
          // Its capacity need not be a number of messages. An accepted one is not refused again.
          if (send.kind === "response") return;
          t.refused(send, Reason.BACKLOG_FULL, "SEND-BACKLOG", "a Send to a full inbox");
        }
        const page = await bob.device().sync({ epoch }, way);
        t.fields(page, { svrSeq, ackedSeq: bob.base }, "ERR-UNCHANGED", "refused Sends changed a full inbox");
        const ahead = await bob.device().trySync({ cliSeq: svrSeq + 1, epoch }, way);
        t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq of a full inbox");
      }
      await bob.device().drain();
      const { clientMessageId: id, payload } = refused;
      const again = await t.blaming("SEND-ID-FREE", () => alice.send(bob, payload, { id }));
      const page = await bob.device().sync();
      const violation = "a message that was refused by a full inbox is not delivered after it was sent again";
      t.page(page, bob.base + all.length + 1, [again], "SEND-ID-FREE", violation);
    },
  },
];

/** Makes the calls that an inbox without room does not refuse for that. Returns its state. */
async function expectOtherCalls(
  t: Context,
  way: Way,
  { last, svrSeq }: { last: SentMessage; svrSeq: number },
): Promise<{ epoch: string }> {
  const { bob, alice } = t;
  await expectInfo(t, way, bob.token);
  const { epoch } = await bob.state();
  await expectWatch(t, bob, way, { epoch, svrSeq });
  await expectSameResponseOnRetry(t, alice, bob, last, "SEND-RETRY-FIRST");
  const other = last.payload.length === 0 ? Buffer.from("x") : new Uint8Array();
  const reused = await alice.trySend(bob, other, { id: last.clientMessageId, ...way });
  const actual = reused.kind === "refusal" ? describeRefusal(reused.refusal) : "it was accepted";
  const violation = "a Send with a used id and another payload was accepted by an inbox without room";
  t.that(reused.kind === "refusal", "SEND-ID-REUSED", violation, "a refusal", actual);
  const mismatch = await bob.device().trySync({ epoch: `not-${unique()}` }, way);
  t.refused(mismatch, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with another epoch");
  // What is full or exhausted is the inbox, not its account.
  await bob.send(alice, t.filler("from bob"), way);
  await alice.device().drain();
  return { epoch };
}
