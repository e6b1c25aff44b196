import { Violation } from "../../findings.js";
import { atOnce } from "../../harness/at-once.js";
import type { Case } from "../../harness/case.js";
import { codecsOf, waysOf } from "../../harness/each-way.js";
import { deviceWithOwnConnection } from "../../harness/own-connection.js";
import { Waits } from "../../harness/waits.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";
import type { Codec } from "../../rpc/connect.js";

/** Mixtures: Watches of one account in several codecs, and other calls of the account beside them. */
export const mixedWatches: readonly Case[] = [
  {
    // § HTTP-JSON: A server MUST serve each unary RPC that it has with `application/json`, and Watch, if it has it,
    // § with `application/connect+json`, in the canonical protobuf JSON mapping, and MUST accept member names in
    // § lowerCamelCase as well as in the form of the proto file.
    id: "watch/both-codecs",
    title: "Watches of one account in both codecs at each front end get their frames, each in its own codec",
    requirements: ["HTTP-JSON", "WATCH-ALL"],
    async run(t) {
      const { bob, alice } = t;
      const open = () =>
        // A server may encode a frame in the codec of the first Watch: that is the codec of the case.
        codecsOf(t).flatMap((codec) =>
          t.session.transport.urls.map((_, endpoint) => ({
            codec,
            watcher: new Watcher(t, bob, { codec, endpoint }, `watcher in ${codec} at front end ${endpoint + 1}`),
          })),
        );
      let watches = open();
      for (const { codec, watcher } of watches) await blamingCodec(codec, () => watcher.expectFirstFrame());
      for (let n = 1; n <= 6; n += 1) {
        await alice.send(bob, t.filler(`message ${n}`));
        for (const { codec, watcher } of watches)
          await blamingCodec(codec, () =>
            expectFrameCovering(watcher, bob.base + n, `a Watch in ${codec} got no frame for a message`),
          );
        await bob.device().drain();
        if (n === 2) {
          // The first one leaves.
          watches[0]?.watcher.cancel();
          watches = watches.slice(1);
        }
        if (n === 4) {
          // The others are first now.
          const added = open();
          for (const { codec, watcher } of added) await blamingCodec(codec, () => watcher.expectFirstFrame());
          watches = [...watches, ...added];
        }
      }
    },
  },
  {
    // § SYNC-EMPTY: A Sync after which nothing is pending MUST return a response with no messages, without waiting for
    // § one to arrive.
    id: "sync/beside-watches",
    title: "While Watches of an account are open, its Syncs and Sends respond at once, over any connection",
    requirements: ["SYNC-EMPTY", "SEND-ACCEPT", "WATCH-WAKE"],
    async run(t) {
      const { bob, alice } = t;
      const waits = new Waits();
      const emptySync = () => bob.device().sync();
      for (let n = 0; n < 3; n += 1) await waits.without(emptySync);
      const watchers = waysOf(t).map((way) => new Watcher(t, bob, way, `watcher in ${way.codec}`));
      for (const watcher of watchers) await watcher.expectFirstFrame();
      for (let n = 0; n < 3; n += 1) await waits.with(() => atOnce(t, "SYNC-EMPTY", "Sync", emptySync));
      if (waits.areLikely(t)) {
        // Once more without a Watch: the server may have become slow for another reason.
        for (const watcher of watchers) watcher.cancel();
        for (let n = 0; n < 3; n += 1) await waits.without(emptySync);
        waits.expectNone(t, "SYNC-EMPTY", "Sync", "a Watch of its account is open");
        return;
      }
      const own = deviceWithOwnConnection(t, bob, "device with a connection of its own");
      let count = 0;
      for (const way of waysOf(t)) {
        const device = bob.device();
        const { epoch } = await atOnce(t, "SYNC-EMPTY", "Sync", () => device.sync({}, way));
        for (const each of [() => device.sync({ epoch }, way), () => own.sync({ epoch })]) {
          const { messages } = await atOnce(t, "SYNC-EMPTY", "Sync", each);
          const violation = "a Sync beside a Watch delivered an acknowledged message";
          t.equal({ messages: messages.length }, { messages: 0 }, "SYNC-EMPTY", violation);
        }
        await atOnce(t, "SEND-ACCEPT", "Send", () => bob.send(alice, t.filler("from beside a Watch"), way));
        const sent = await atOnce(t, "SEND-ACCEPT", "Send", () => alice.send(bob, t.filler("beside a Watch"), way));
        count += 1;
        for (const watcher of watchers)
          await expectFrameCovering(watcher, bob.base + count, "a Watch got no frame for a message");
        const page = await atOnce(t, "SYNC-ANSWER", "Sync", () => own.fetch());
        const violation = "a Sync beside a Watch did not deliver the new message";
        t.page(page, bob.base + count, [sent], "SYNC-ANSWER", violation);
        await atOnce(t, "SYNC-EMPTY", "Sync", () => own.fetch());
        await alice.device().drain();
      }
    },
  },
];

/** Attributes a stream that does not decode to the codec that it should have. */
async function blamingCodec<T>(codec: Codec, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isOtherCodec = error instanceof Violation && error.finding.requirement === "HTTP-STREAM" && codec === "json";
    throw isOtherCodec ? new Violation({ ...error.finding, requirement: "HTTP-JSON" }) : error;
  }
}
