import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure } from "../../findings.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";
import { encode, isRetryableStatus } from "../../rpc/connect.js";
import { envelope } from "../../rpc/envelope.js";
import { authorization, pathOf } from "../../rpc/session.js";

/** Watches that an account can have open at the same time (WATCH-ALL). */
const WATCHES = 20;

/** Several Watches at a time, of one account and of several. */
export const severalWatches: readonly Case[] = [
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/twenty",
    title: "20 open Watches of an account all get a first frame and a frame for each message",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const twentyOf = (account: TestAccount) =>
        Array.from({ length: WATCHES }, (_, n) => new Watcher(t, account, {}, `watcher ${n + 1}`));
      // A server that serves few connections at once has no room for those of two accounts.
      const { max = Number.POSITIVE_INFINITY } = t.session.transport.connection.connectionLimit ?? {};
      const [alices, watchers] = [max > 2 * WATCHES + 4 ? twentyOf(alice) : [], twentyOf(bob)];
      const expectFrameOnAll = (svrSeq: number, what: string) =>
        t.blaming("WATCH-ALL", () =>
          Promise.all(watchers.map((watcher) => expectFrameCovering(watcher, svrSeq, what))),
        );
      await expectFrameOnAll(bob.base, "one of 20 Watches got no first frame");
      await t.blaming("WATCH-ALL", () => Promise.all(alices.map((watcher) => watcher.expectFirstFrame())));
      await alice.send(bob, "first");
      await expectFrameOnAll(bob.base + 1, "one of 20 Watches got no frame for a message");
      for (const watcher of watchers.splice(0, 5)) watcher.cancel();
      await alice.send(bob, "second");
      const violation = "one of 15 Watches got no frame for a message after five others were cancelled";
      await expectFrameOnAll(bob.base + 2, violation);
    },
  },
  {
    id: "watch/second-does-not-replace-first",
    title: "A second Watch does not replace the first, neither while it is open nor after it is closed",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await first.expectFirstFrame();
      await second.expectFirstFrame();
      await t.blaming("WATCH-ALL", async () => {
        await alice.send(bob, "while both are open");
        for (const watcher of [first, second])
          await expectFrameCovering(watcher, bob.base + 1, "one of two Watches got no frame for a message");
        second.cancel();
        await alice.send(bob, "after one was cancelled");
        const violation = "a Watch got no frame for a message after another was cancelled";
        await expectFrameCovering(first, bob.base + 2, violation);
      });
    },
  },
  {
    // § WATCH-PRIVATE: A frame MUST report the caller's inbox and no other.
    id: "watch/private",
    title: "The frames of a Watch report the caller's inbox only",
    requirements: ["WATCH-PRIVATE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [bobs, alices] = [new Watcher(t, bob), new Watcher(t, alice)];
      await bobs.expectFirstFrame();
      await alices.expectFirstFrame();
      await bob.sendAtOnce(alice, 30);
      await expectFrameCovering(alices, alice.base + 30, "alice's Watch got no frame for her messages");
      await alice.send(bob, "the marker");
      await expectFrameCovering(bobs, bob.base + 1, "bob's Watch got no frame for his messages");
      const states = [
        [bob, bobs, 1],
        [alice, alices, 30],
      ] as const;
      for (const [account, watcher, count] of states) {
        const { epoch } = await account.state();
        for (const { svrSeq, epoch: reported } of watcher.frames) {
          const own = svrSeq >= account.base && svrSeq <= account.base + count;
          const what = `a frame of ${account.name} reports the state of another inbox`;
          t.that(
            own,
            "WATCH-PRIVATE",
            what,
            `svr_seq: from ${account.base} to ${account.base + count}`,
            `svr_seq: ${svrSeq}`,
          );
          t.equal({ epoch: reported }, { epoch }, "WATCH-PRIVATE", what);
        }
      }
    },
  },
  {
    // § WATCH-STALLED: A Watch whose client does not read MUST NOT hold up any Send, any Sync or any other Watch.
    id: "watch/stalled",
    title: "Watches that are never read do not delay Sends, Syncs or other Watches",
    requirements: ["WATCH-STALLED"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 0; n < 3; n += 1) await openStalledWatch(t, bob);
      const reader = new Watcher(t, bob);
      await reader.expectFirstFrame();
      const phone = bob.device("phone");
      await t.blaming("WATCH-STALLED", async () => {
        const sent: SentMessage[] = [];
        for (let round = 0; round < 5; round += 1) {
          sent.push(...(await alice.sendAtOnce(bob, 20)));
          await phone.drain();
          const violation = "a Watch got no frame for a message while others were stalled";
          await expectFrameCovering(reader, bob.base + sent.length, violation);
        }
        const message = "some messages were not delivered while Watches were stalled";
        t.equal({ messages: phone.stored.length }, { messages: sent.length }, "SEND-VISIBLE", message);
      });
    },
  },
  {
    // § WATCH-EPOCH: When an inbox gets a new epoch, every open Watch on it whose reader keeps up MUST get, within 5
    // § seconds, a frame with the new epoch, or end.
    id: "watch/new-epoch",
    title: "After data loss each open Watch gets a frame with the new epoch, or ends",
    requirements: ["WATCH-EPOCH"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await alice.sendMany(bob, 3);
      for (const watcher of watchers)
        await expectFrameCovering(watcher, bob.base + 3, "bob's Watch got no frame for his messages");
      for (let loss = 1; loss <= 3; loss += 1) {
        await t.rotateEpoch(bob);
        const { epoch } = await bob.state();
        // A Watch that ends is reopened, and its first frame then has the new epoch.
        for (const watcher of watchers) {
          await watcher.expectFrame(
            (frame) => frame.epoch === epoch,
            "WATCH-EPOCH",
            "a Watch got no frame with the new epoch",
          );
        }
        // No message is sent between the first two losses, so that the frames differ in the epoch only.
        if (loss === 1) continue;
        await alice.send(bob, `after data loss ${loss}`);
        for (const watcher of watchers) {
          const what = "a Watch got no frame for a message under the new epoch";
          await watcher.expectFrame((frame) => frame.epoch === epoch && frame.svrSeq >= 1, "WATCH-WAKE", what);
        }
      }
    },
  },
];

/** Opens a Watch and never reads its frames. */
async function openStalledWatch(t: Context, account: TestAccount): Promise<void> {
  const { watch: method } = SeqSyncService.method;
  const opening = t.session.transport.stream({
    endpoint: t.session.nextEndpoint(),
    path: pathOf(method),
    headers: { "content-type": `application/connect+${t.session.codec}`, ...authorization(account.token) },
    body: envelope(encode(t.session.codec, method.input, {})),
  });
  const stream = await opening.catch((error: Error) => {
    throw new NoResponseFailure("WATCH-FIRST", "Watch", error.message);
  });
  t.onEnd(() => stream.cancel());
  if (isRetryableStatus(stream.status)) return; // rate limited: the case continues with one stalled Watch fewer
  t.fields(stream, { status: 200 }, "HTTP-STREAM", "a Watch was not opened");
}
