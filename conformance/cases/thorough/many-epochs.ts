import { ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../../findings.js";
import { tryFillBacklog } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { forEachAtOnce } from "../../harness/volume.js";
import { describeRefusal } from "../../rpc/connect.js";

/** Number of data losses: more than a number in one byte can count. */
const LOSSES = 300;
/** Number of data losses after which a message is sent. */
const BETWEEN_MESSAGES = 20;

/** Maximum number of messages that fill an inbox: more than 10,000, a usual bound. */
const FILL = 12_000;

/** Cases with many epochs, and with an epoch after many messages. */
export const manyEpochs: readonly Case[] = [
  {
    // § EPOCH-RENEWED: When an inbox has lost an assigned seq, an accepted unacknowledged message or an
    // § acknowledgement, or the server cannot rule that out, the server MUST give the inbox an epoch that it never had
    // § before.
    id: "epoch/hundreds",
    title: `After each of ${LOSSES} data losses the epoch is new, and each former epoch is refused`,
    requirements: ["EPOCH-RENEWED", "EPOCH-MISMATCH", "EPOCH-RESTART"],
    thorough: true,
    bulk: true,
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      let { epoch } = await bob.state();
      const former = new Map<string, number>();
      for (let loss = 1; loss <= LOSSES; loss += 1) {
        former.set(epoch, loss - 1);
        await t.rotateEpoch(bob);
        const state = await bob.state();
        ({ epoch } = state);
        const since = former.get(epoch);
        const violation = `the epoch after data loss ${loss} is one that the inbox had before`;
        const actual = `epoch: "${epoch}", that of ${since === 0 ? "the start" : `data loss ${since}`}`;
        t.that(since === undefined, "EPOCH-RENEWED", violation, "epoch: a new one", actual);
        const what = `after data loss ${loss} the numbering does not start again`;
        t.fields(state, { svrSeq: 0, ackedSeq: 0 }, "EPOCH-RESTART", what);
        if (loss % BETWEEN_MESSAGES !== 0) continue;
        const sent = await alice.send(bob);
        t.all(await bob.device("phone").drain(), 1, [sent], "EPOCH-RESTART", what);
      }
      await forEachAtOnce(former, async ([old, loss]) => {
        const what = `a Sync with the epoch of ${loss === 0 ? "the start" : `data loss ${loss}`}`;
        const result = await bob.device("old device").trySync({ epoch: old });
        const { detail } = t.refused(result, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", what);
        t.equal({ epoch: detail?.epoch }, { epoch }, "EPOCH-MISMATCH", `the refusal of ${what} has a wrong epoch`);
      });
      await bob.device("phone").sync({ epoch });
    },
  },
  {
    // § SEND-BACKLOG: A server that accepts no more unacknowledged messages into an inbox MUST refuse a Send to it with
    // § `resource_exhausted` and the reason BACKLOG_FULL, if the Send is not a retry and no other refusal applies to
    // § it, and MUST NOT drop an accepted message to make room.
    id: "send/full-inbox-after-a-loss",
    title: "An inbox that was full when it lost its data has room again",
    requirements: ["SEND-BACKLOG", "EPOCH-RESTART"],
    thorough: true,
    bulk: true,
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const { refused, sent } = await tryFillBacklog(t, FILL);
      if (refused === undefined)
        throw new Inconclusive(
          `needs a full inbox; this one still had room after ${sent.length} messages`,
          ReasonCode.SERVER_LIMIT,
        );
      await t.rotateEpoch(bob);
      const message = { clientMessageId: t.newId(), payload: t.filler("after the loss") };
      const result = await alice.trySend(bob, message.payload, { id: message.clientMessageId });
      if (result.kind === "refusal") {
        const what = "an inbox that was full refuses a Send after it has lost its data";
        t.fail("SEND-BACKLOG", what, "it is accepted", describeRefusal(result.refusal));
      }
      const { acceptedAt } = t.accepted(result, "SEND-ACCEPT");
      const first = { ...message, acceptedAt };
      const violation = "the inbox does not hold exactly the message that was sent after the loss";
      t.all(await bob.device().drain(), 1, [first], "EPOCH-RESTART", violation);
    },
  },
];
