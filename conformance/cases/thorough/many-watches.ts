import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { leaseAccounts } from "../../harness/lease-accounts.js";
import { forEachAtOnce, requireAtLeast } from "../../harness/volume.js";
import { describeEnd, FRAME_MS } from "../../harness/watcher.js";
import type { WatchStream } from "../../rpc/watch-stream.js";

/** Number of Watches that the cases want, and without which they show nothing. */
const WANTED = 300;
const MINIMUM = 100;
/** Number of Watches that are opened at once. */
const AT_ONCE = 10;

/** Number of Watches of an account that a server must allow: those beyond are its choice, but promise frames as well. */
const MUST_ALLOW = 20;

/** A Watch that has got its first frame. */
interface OpenWatch {
  account: TestAccount;
  stream: WatchStream;
}

/** Cases with many Watches. A server may refuse more than it has room for: then there are fewer of them. */
export const manyWatches: readonly Case[] = [
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/hundreds-on-one-inbox",
    title: `Of ${WANTED} Watches of an account, or as many as the server allows, each gets a frame for each message`,
    requirements: ["WATCH-ALL", "WATCH-FIRST", "WATCH-WAKE"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const open = await openMany(t, Array<TestAccount>(WANTED).fill(bob));
      requireAtLeast(MINIMUM, open.length, "open Watches of an account");
      for (let n = 1; n <= 3; n += 1) {
        await alice.send(bob, t.filler(`message ${n}`));
        const late = await withoutFrame(t, open, () => bob.base + n);
        const violation = `some of ${open.length} open Watches of an account got no frame for message ${n}`;
        expectNone(t, late, open.length > MUST_ALLOW ? "WATCH-WAKE" : "WATCH-ALL", violation);
        // Half of them remain, so that the server has to find the others among closed ones.
        if (n < 3) for (const { stream } of open.splice(0, Math.floor(open.length / 2))) stream.cancel();
      }
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/hundreds-of-inboxes",
    title: `Of ${WANTED} Watches of different accounts, each gets a frame for the messages of its own inbox`,
    requirements: ["WATCH-WAKE", "WATCH-FIRST", "WATCH-PRIVATE"],
    thorough: true,
    bulk: true,
    needs: { accounts: 0 },
    async run(t: Context) {
      const [alice, ...accounts] = await leaseAccounts(t, {
        wanted: WANTED + 1,
        minimum: MINIMUM + 1,
        nameOf: (n) => (n === 0 ? "alice" : `user ${n}`),
      });
      if (alice === undefined) return;
      const open = await openMany(t, accounts, {
        isOwed: t.session.transport.connection.connectionLimit === undefined,
      });
      requireAtLeast(MINIMUM, open.length, "open Watches of different accounts");
      // The judge checks that no frame reports another inbox.
      for (let n = 1; n <= 2; n += 1) {
        const late: OpenWatch[] = [];
        await forEachAtOnce(open, async (watch) => {
          const { account } = watch;
          await alice.send(account, t.filler(`message ${n}`));
          late.push(...(await withoutFrame(t, [watch], () => account.base + n)));
        });
        const violation = `with ${open.length} open Watches of as many accounts, some got no frame for a message`;
        expectNone(t, late, "WATCH-WAKE", violation);
      }
    },
  },
];

/**
 * Opens a Watch on each account, until the server allows no more of them. If each Watch is owed, as the first ones of an
 * account are, it must be served, or refused so that the client knows.
 */
async function openMany(t: Context, accounts: readonly TestAccount[], { isOwed = false } = {}): Promise<OpenWatch[]> {
  const open: OpenWatch[] = [];
  await forEachAtOnce(
    accounts,
    async (account) => {
      // The second attempt is for a connection that broke, or that was not made in time.
      const opened = await tryOpen(t, account);
      const { stream, isSilent } = opened.stream === undefined ? await tryOpen(t, account) : opened;
      if (stream !== undefined) open.push({ account, stream });
      else if (isSilent && opened.isSilent && isOwed) {
        const violation = `beside ${open.length} open Watches of other accounts, a Watch got no first frame`;
        t.fail(
          "WATCH-FIRST",
          violation,
          `a frame within ${FRAME_MS} ms`,
          "neither a frame nor a refusal, in two attempts",
        );
      }
      return stream !== undefined;
    },
    AT_ONCE,
  );
  return open;
}

/**
 * Opens a Watch and waits for its first frame. Returns no stream if the server has no room for it now, and whether the
 * server was silent about it.
 */
async function tryOpen(t: Context, account: TestAccount): Promise<{ stream?: WatchStream; isSilent: boolean }> {
  const stream = account.device("watcher").watch();
  if (await stream.waitForFrame(() => true, t.deadline(FRAME_MS))) return { stream, isSilent: false };
  const { end } = stream;
  stream.cancel();
  if (end === undefined || end.kind === "late") return { isSilent: true };
  if (["retryable", "broken", "end"].includes(end.kind)) return { isSilent: false };
  const requirement = end.kind === "malformed" ? "HTTP-STREAM" : "WATCH-FIRST";
  return t.fail(requirement, "one of many Watches got no first frame", "a frame", `the end: ${describeEnd(end)}`);
}

/**
 * Returns the Watches that get no frame with this svr_seq within 5 seconds, although they are open. A Watch that the
 * server has ended, as it may at any time, is removed from `open`.
 */
async function withoutFrame(
  t: Context,
  open: OpenWatch[],
  svrSeqOf: (watch: OpenWatch) => number,
): Promise<OpenWatch[]> {
  const late: OpenWatch[] = [];
  await Promise.all(
    [...open].map(async (watch) => {
      const svrSeq = svrSeqOf(watch);
      if (await watch.stream.waitForFrame((frame) => frame.svrSeq >= svrSeq, t.deadline(FRAME_MS))) return;
      if (watch.stream.end === undefined) late.push(watch);
      else open.splice(open.indexOf(watch), 1);
    }),
  );
  return late;
}

function expectNone(
  t: Context,
  late: readonly OpenWatch[],
  requirement: "WATCH-ALL" | "WATCH-WAKE",
  violation: string,
) {
  const [first] = late;
  const last = first?.stream.frames.at(-1);
  const actual = `${late.length} Watches without it; the last frame of one of them: svr_seq ${last?.svrSeq}`;
  t.that(late.length === 0, requirement, violation, `a frame on each within ${FRAME_MS} ms`, actual);
}
