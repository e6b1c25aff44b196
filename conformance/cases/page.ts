import type { Device, Sent } from "../harness/account.js";
import { expectExactly, fillBacklog, tryFillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

const MOST = 0xffff_ffff;

export const page: readonly Case[] = [
  {
    // § PAGE-UNION: The pages of a run of Syncs, each with the `next_cli_seq` of the one before as its `cli_seq`, MUST
    // § together hold each message after the first page's `acked_seq`, up to the last page's `next_cli_seq`, once, and
    // § reach the first page's `svr_seq`, while no other device acknowledges.
    id: "page/worked-example",
    title: "bob's phone has 100 of 200 and takes pages of 50: 150, 200, and a closing Sync that acks the second page",
    requirements: ["PAGE-UNION", "PAGE-CAP", "SYNC-NEXT"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      await fillBacklog(t, 200);
      const phone = bob.device("phone");
      phone.cliSeq = bob.base + 100;
      // 50, or fewer where the server's pages are smaller.
      for (let had = 100; had < 200 && phone.cliSeq < bob.base + 200; had = phone.cliSeq - bob.base) {
        const { ackedSeq, svrSeq, messages, nextCliSeq } = await phone.fetch(50);
        t.equal(
          { ackedSeq: ackedSeq - bob.base, svrSeq: svrSeq - bob.base },
          { ackedSeq: had, svrSeq: 200 },
          "SYNC-BASE",
          `a page from ${had} on`,
        );
        t.that(messages.length > 0, "PAGE-PROGRESS", "a page is empty", "messages", "none");
        t.that(messages.length <= 50, "PAGE-CAP", "a page is too large", "50 at most", String(messages.length));
        t.equal(nextCliSeq - bob.base, had + messages.length, "SYNC-NEXT", `next_cli_seq of the page from ${had} on`);
      }
      const seqs = phone.stored.map(({ seq }) => seq - bob.base);
      const expected = Array.from({ length: 100 }, (_, n) => 101 + n);
      t.equal(seqs, expected, "PAGE-UNION", "the pages together are not 101 to 200");
      const { ackedSeq, messages, nextCliSeq } = await phone.fetch(50);
      const end = bob.base + 200;
      t.equal(
        { ackedSeq, nextCliSeq, messages: messages.length },
        { ackedSeq: end, nextCliSeq: end, messages: 0 },
        "ACK-IMPLICIT",
        "the closing Sync",
      );
    },
  },
  {
    id: "page/size-1",
    title: "bob's phone fetches 110 messages one by one, each once and in order",
    requirements: ["PAGE-UNION", "PAGE-CAP"],
    bulk: true,
    run: (t: Context) => runs(t, 110, () => 1),
  },
  {
    id: "page/size-7",
    title: "bob's phone fetches 140 messages in pages of 7, and the last page is exactly full",
    requirements: ["PAGE-UNION", "PAGE-CAP"],
    bulk: true,
    run: (t: Context) => runs(t, 140, () => 7),
  },
  {
    id: "page/sizes-mixed",
    title: "bob's phone fetches 120 messages in pages of another size each time, 0 and 4294967295 among them",
    requirements: ["PAGE-UNION", "PAGE-DEFAULT"],
    bulk: true,
    run: (t: Context) => runs(t, 120, (n) => [2, 1, 3, 8, 5, 13, 4, 1, 21, 9, 0, MOST][n % 12] as number),
  },
  {
    id: "page/last-page-full",
    title: "2 to 6 messages in pages of 1, 2 and 3: whether or not the last page is full, the last message comes",
    requirements: ["PAGE-UNION"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      let base = bob.base;
      for (let count = 2; count <= 6; count += 1) {
        for (const pageSize of [1, 2, 3]) {
          const sent = await alice.sendMany(bob, count);
          const before = phone.stored.length;
          // As a client does it: until next_cli_seq has reached svr_seq, and not a Sync more.
          await phone.catchUp(pageSize);
          t.equal(phone.cliSeq, base + count, "PAGE-UNION", "the run does not reach svr_seq");
          const got = phone.stored.slice(before);
          t.all(got, base + 1, sent, "PAGE-UNION", `${count} messages in pages of ${pageSize} did not all come`);
          base += count;
        }
      }
    },
  },
  {
    // § PAGE-CAP: An answer to a Sync with a `page_size` above 0 MUST NOT hold more than `page_size` messages.
    id: "page/cap",
    title: "9 messages are pending; pages of 1 to 10 hold at most that many, and begin with the first",
    requirements: ["PAGE-CAP", "PAGE-PROGRESS"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 9);
      for (let pageSize = 1; pageSize <= 10; pageSize += 1) {
        const answer = await bob.device().sync({ pageSize });
        const { length } = answer.messages;
        t.that(length > 0, "PAGE-PROGRESS", `a page of ${pageSize} is empty`, "messages", "none");
        t.that(length <= pageSize, "PAGE-CAP", "a page is too large", `${pageSize} at most`, String(length));
        t.page(answer, bob.base + 1, sent, "SYNC-RANGE", "a page does not begin with what is pending");
      }
    },
  },
  {
    // § PAGE-DEFAULT: A Sync with `page_size` 0 MUST be answered with a page of the server's choice, of at most
    // § `max_page_size` messages.
    id: "page/size-0",
    title: "page_size 0 gets a page of the server's choice, not none; page by page all comes",
    requirements: ["PAGE-DEFAULT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      for (let asked = 0; asked < 5 && phone.cliSeq < bob.base + 5; asked += 1) {
        const { messages } = await phone.fetch(0);
        const [low, high] = [messages.length > 0, messages.length <= t.info.maxPageSize];
        t.that(low, "PAGE-DEFAULT", "a page of the server's choice is empty", "at least one message", "none");
        t.that(high, "PAGE-DEFAULT", "a page is too large", `${t.info.maxPageSize} at most`, String(messages.length));
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-DEFAULT", "pages of the server's choice do not hold all");
    },
  },
  {
    // § PAGE-MAX: An answer MUST NOT hold more than `max_page_size` messages, and a Sync with a larger `page_size` MUST
    // § be treated as one with `max_page_size`.
    id: "page/size-over-the-maximum",
    title:
      "page sizes of max_page_size + 1, 2147483648 and 4294967295 are treated as max_page_size, smaller ones are kept",
    requirements: ["PAGE-MAX", "PAGE-CAP", "PAGE-UNION", "PAGE-PROGRESS"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const { maxPageSize } = t.info;
      // Where the maximum is beyond what a test can send, it shows at least that large sizes are not refused.
      const { sent } = await tryFillBacklog(t, Math.min(maxPageSize + 5, 1500));
      const over = [Math.min(maxPageSize + 1, MOST), 0x7fff_ffff, 0x8000_0000, MOST];
      const fetch = async (phone: Device, pageSize: number) => {
        const page = await t.blaming("PAGE-MAX", () => phone.sync({ pageSize }));
        const { length } = page.messages;
        t.that(length > 0, "PAGE-PROGRESS", `a page of ${pageSize} is empty`, "messages", "none");
        t.that(length <= maxPageSize, "PAGE-MAX", "a page is too large", `${maxPageSize} at most`, String(length));
        return page;
      };
      for (const pageSize of over) await fetch(bob.device(), pageSize);
      // The last ones that are no more than the maximum, and one that does not fit into a byte.
      for (const pageSize of [256, maxPageSize - 1, maxPageSize]) {
        if (pageSize < 1 || pageSize > maxPageSize) continue;
        const { length } = (await bob.device().sync({ pageSize })).messages;
        t.that(length <= pageSize, "PAGE-CAP", "a page is too large", `${pageSize} at most`, String(length));
      }
      const phone = bob.device("phone");
      for (let had = -1, n = 0; had < phone.cliSeq && phone.cliSeq < bob.base + sent.length; n += 1) {
        had = phone.cliSeq;
        phone.store(await fetch(phone, over[n % over.length] as number));
      }
      expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-UNION");
    },
  },
  {
    // § PAGE-PROGRESS: Where any message is pending, the answer MUST hold at least one.
    id: "page/large-payloads",
    title: "a backlog of payloads of max_payload_bytes: each page makes progress, and all of them arrive whole",
    requirements: ["PAGE-PROGRESS", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const size = Math.min(t.info.maxPayloadBytes, 4 << 20);
      // Where payloads may be so large, a little more than 4 MiB, at which gRPC's libraries stop by default.
      const count = Math.max(4, Math.min(96, Math.ceil((5 << 20) / size)));
      const sent = await Promise.all(
        Array.from({ length: count }, (_, n) => alice.send(bob, new Uint8Array(size).fill(n))),
      );
      for (const pageSize of [1, 0, MOST]) {
        const { messages } = await bob.device().sync({ pageSize });
        t.that(messages.length > 0, "PAGE-PROGRESS", "a page of large payloads is empty", "messages", "none");
      }
      const phone = bob.device("phone");
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-PROGRESS");
      const payloads = new Map(sent.map(({ clientMessageId, payload }) => [clientMessageId, payload]));
      for (const { clientMessageId, payload } of phone.stored) {
        const same = Buffer.compare(payload, payloads.get(clientMessageId) ?? new Uint8Array()) === 0;
        t.that(same, "SEND-BYTES", "a large payload was changed", "what was sent", `${payload.length} other bytes`);
      }
    },
  },
  {
    id: "page/large-among-small",
    title: "small messages, one of max_payload_bytes, small ones: the large one neither blocks nor is skipped",
    requirements: ["PAGE-PROGRESS", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (const size of [1, 1, Math.min(t.info.maxPayloadBytes, 16 << 20), 1, 0, 1]) {
        sent.push(await alice.send(bob, new Uint8Array(size)));
      }
      for (const pageSize of [2, 0]) {
        const phone = bob.device("phone");
        await phone.catchUp(pageSize);
        const seqs = phone.stored.map(({ seq }) => seq - bob.base);
        t.equal(seqs.at(-1), 6, "PAGE-PROGRESS", "a large message stops the pages");
      }
      const rest = await bob.device("tablet").drain();
      const end = sent.slice(sent.length - rest.length);
      t.all(rest, bob.base + 7 - rest.length, end, "PAGE-UNION", "what was not acked does not come");
    },
  },
  {
    // § PAGE-ARRIVALS: Messages that arrive between two pages MUST be neither lost nor delivered twice by the run.
    id: "page/arrivals-between",
    title: "between each two pages of bob's phone messages arrive; none is lost and none comes twice",
    requirements: ["PAGE-ARRIVALS"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 9);
      const phone = bob.device("phone");
      for (let n = 0; n < 8; n += 1) {
        await phone.fetch(3);
        sent.push(...(await alice.sendMany(bob, n % 3)));
      }
      await phone.drain(3);
      t.all(phone.stored, bob.base + 1, sent, "PAGE-ARRIVALS", "the run does not hold each message once");
    },
  },
  {
    id: "page/arrivals-meanwhile",
    title: "alice sends at full speed while bob's phone pages by 4; none is lost and none comes twice",
    requirements: ["PAGE-ARRIVALS", "PAGE-UNION"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      const sends = Promise.all([alice.sendAtOnce(bob, 60), alice.sendMany(bob, 20)]).finally(() => {
        sending = false;
      });
      const phone = bob.device("phone");
      const fetches = (async () => {
        while (sending) await phone.fetch(4);
      })();
      const [sent] = await Promise.all([sends, fetches]);
      await phone.drain(4);
      expectExactly(t, phone.stored, bob.base + 1, sent.flat(), "PAGE-ARRIVALS");
    },
  },
  {
    // § PAGE-NO-TRAFFIC: The next page MUST be there for the asking, without any new message having to arrive first.
    id: "page/no-traffic",
    title: "after the first page nothing is sent any more, and the other pages come all the same, one Sync each",
    requirements: ["PAGE-NO-TRAFFIC"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 8);
      const phone = bob.device("phone");
      for (let asked = 0; asked < 8 && phone.cliSeq < bob.base + 8; asked += 1) {
        const { messages } = await phone.fetch(2);
        t.that(messages.length > 0, "PAGE-NO-TRAFFIC", "a page did not come by itself", "messages", "none");
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-NO-TRAFFIC", "not all pages came by themselves");
    },
  },
  {
    // § PAGE-REPEAT: Of the pages of two Syncs within one epoch that were answered with the same `acked_seq`, the
    // § shorter one MUST be the beginning of the longer one.
    id: "page/repeat",
    title: "bob's phone asks for the same page again, with the same size and others: the shorter begins the longer",
    requirements: ["PAGE-REPEAT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 9);
      for (const from of [0, 4]) {
        const pages: string[][] = [];
        const phone = bob.device("phone");
        phone.cliSeq = bob.base + from;
        for (const pageSize of [3, 3, 1, 0, 5, 3, 2, MOST, 3]) pages.push(await idsOf(phone, pageSize));
        await alice.send(bob, "one more");
        pages.push(await idsOf(phone, 3), await idsOf(bob.device("tablet"), 0));
        const longest = pages.reduce((a, b) => (b.length > a.length ? b : a));
        for (const ids of pages) {
          t.equal(
            ids,
            longest.slice(0, ids.length),
            "PAGE-REPEAT",
            "a page asked for again does not begin like before",
          );
          t.that(ids.length > 0, "PAGE-PROGRESS", "a page asked for again is empty", "messages", "none");
        }
        t.equal(longest[0]?.split(":")[0], `${bob.base + from + 1}`, "SYNC-RANGE", "a page begins elsewhere");
      }
    },
  },
];

async function idsOf(device: Device, pageSize: number): Promise<string[]> {
  const { messages } = await device.sync({ pageSize });
  return messages.map(({ seq, clientMessageId }) => `${seq}:${clientMessageId}`);
}

/** A run of pages over `count` messages, each of the size that `sizeOf` gives for its number. */
async function runs(t: Context, count: number, sizeOf: (n: number, max: number) => number): Promise<void> {
  const { bob } = t;
  const sent = await fillBacklog(t, count);
  const phone = bob.device("phone");
  for (let n = 0; n <= count && phone.cliSeq < bob.base + count; n += 1) {
    const pageSize = sizeOf(n, t.info.maxPageSize);
    const most = pageSize === 0 ? t.info.maxPageSize : Math.min(pageSize, t.info.maxPageSize);
    const had = Math.max(phone.cliSeq, bob.base);
    const { messages, ackedSeq } = await phone.fetch(pageSize);
    t.equal(ackedSeq, had, "ACK-IMPLICIT", "a page does not follow the one before");
    t.that(messages.length > 0, "PAGE-PROGRESS", "a page is empty", "messages", "none");
    t.that(messages.length <= most, "PAGE-CAP", "a page is too large", `${most} at most`, String(messages.length));
  }
  expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-UNION");
  const closing = await phone.fetch(1);
  t.page(closing, bob.base + count + 1, [], "PAGE-UNION", "something comes after the last page");
}
