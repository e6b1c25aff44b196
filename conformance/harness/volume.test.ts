/** Volumes and accounts of a server with bounds: cases use what they can get. */
import { afterEach, describe, expect, test } from "vitest";
import { Outcome, ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../reference-server/index.js";
import type { ServiceOptions } from "../../reference-server/service.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import { poolAccounts } from "../accounts/pool.js";
import type { AccountSource } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import { type RunContext, runCase } from "../run/run-case.js";
import { probe } from "../run/target.js";
import { Transport } from "../transport/http.js";
import type { Case } from "./case.js";
import type { Context } from "./context.js";
import { leaseAccounts } from "./lease-accounts.js";
import { forEachAtOnce, messagesTo, requireAtLeast, sendVolume, sendWithAcks } from "./volume.js";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Runs a case against a reference server with these options. */
async function run(
  options: ServiceOptions,
  act: Case["run"],
  accounts: 0 | 2 = 2,
  source?: AccountSource,
  existing: readonly { userId: string; token: string }[] = [],
) {
  const server = await startReferenceServer({ fixtures: true, ...options });
  for (const { userId, token } of existing) server.service.createAccount(userId, token);
  const transport = new Transport({ urls: [server.url] });
  cleanUps.push(
    () => transport.close(),
    () => server.close(0),
  );
  const probed = await probe(transport);
  if ("problem" in probed) throw new Error(probed.problem);
  const shared: RunContext = {
    transport,
    info: probed.info,
    source: source ?? ((await fixtureAccounts(transport, {})) as AccountSource),
    seed: 1,
    nonce: "n",
    executions: 0,
    blamedAspects: new Map(),
    timeoutScale: 1,
    signal: new AbortController().signal,
    invocation: "URL",
  };
  const it: Case = { id: "send/volume", title: "", requirements: ["SEND-ACCEPT"], needs: { accounts }, run: act };
  return (await runCase({ id: it.id, case: it, codec: "proto" }, shared, new Set())).result;
}

const idsOf = (messages: readonly { clientMessageId: string }[]) => messages.map((it) => it.clientMessageId).sort();

describe("a volume", () => {
  test("ends where the inbox is full, and continues where the recipient acknowledges", async () => {
    const { outcome, reason } = await run({ maxBacklog: 50 }, async (t: Context) => {
      const { bob, alice } = t;
      const some = await sendVolume(t, messagesTo(t, alice, bob, 200));
      expect(some).toHaveLength(50);
      const phone = bob.device("phone");
      await phone.drain();
      const all = await sendWithAcks(t, messagesTo(t, alice, bob, 200), () => phone.drain(), { atMost: 70 });
      expect(all).toHaveLength(200);
      expect(idsOf(phone.stored)).toEqual(idsOf([...some, ...all]));
      requireAtLeast(51, some.length, "unacknowledged messages in an inbox");
    });
    expect([outcome, reason]).toEqual([
      Outcome.INCONCLUSIVE,
      "needs 51 unacknowledged messages in an inbox, and this server allowed 50",
    ]);
  });

  test("ends if there is no room even after acks, and when the time is over", async () => {
    const { outcome } = await run({ maxBacklog: 50 }, async (t: Context) => {
      const { bob, alice } = t;
      expect(await sendWithAcks(t, messagesTo(t, alice, bob, 90), async () => {})).toHaveLength(50);
      let calls = 0;
      const outgoing = messagesTo(t, bob, alice, 90);
      const isOver = () => ++calls > 2;
      expect(await sendWithAcks(t, outgoing, () => alice.device().drain(), { atMost: 10, isOver })).toHaveLength(20);
    });
    expect(outcome).toBe(Outcome.PASS);
  });

  test("of calls ends early once one says so", async () => {
    const seen: number[] = [];
    const items = Array.from({ length: 20 }, (_, n) => n);
    await forEachAtOnce(items, async (n) => seen.push(n) < 6, 1);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("many accounts", () => {
  const nameOf = (n: number) => `user ${n}`;

  test("are as many as the server creates, or too few for the case", async () => {
    let count = 0;
    const lease = (minimum: number) => async (t: Context) => {
      count = (await leaseAccounts(t, { wanted: 1000, minimum, nameOf })).length;
    };
    let created = 0;
    const source: AccountSource = {
      ...poolAccounts("", []),
      isSingleUse: true,
      lease: async (request) => {
        if (created + request.count > 40) throw new Inconclusive("no more", ReasonCode.ACCOUNT_UNAVAILABLE);
        created += request.count;
        return Array.from({ length: request.count }, (_, n) => ({ userId: `u${n}`, token: "t", startSeq: 0 }));
      },
    };
    expect((await run({}, lease(40), 0, source)).outcome).toBe(Outcome.PASS);
    expect(count).toBe(40);
    created = 0;
    const { outcome, reason } = await run({}, lease(41), 0, source);
    expect([outcome, reason]).toEqual([Outcome.INCONCLUSIVE, "needs 41 accounts; after 40: no more"]);
  });

  test("of a list are the wanted number, the minimum, or too few", async () => {
    const accounts = Array.from({ length: 10 }, (_, n) => ({ userId: `u${n}`, token: `token-of-${n}` }));
    const list = poolAccounts("a list", accounts);
    const counts: number[] = [];
    const lease = (wanted: number, minimum: number) => async (t: Context) => {
      counts.push((await leaseAccounts(t, { wanted, minimum, nameOf })).length);
    };
    expect((await run({}, lease(5, 3), 0, list, accounts)).outcome).toBe(Outcome.PASS);
    // Leases end with the case: otherwise this would wait forever.
    expect((await run({}, lease(12, 4), 0, list, accounts)).outcome).toBe(Outcome.PASS);
    expect(counts).toEqual([5, 4]);
    const { outcome, reason } = await run({}, lease(12, 11), 0, list);
    expect([outcome, reason]).toEqual([Outcome.INCONCLUSIVE, "needs 11 accounts, and the list has 10"]);
  });
});
