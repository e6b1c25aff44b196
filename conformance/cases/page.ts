import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Device, SentMessage } from "../harness/account.js";
import { expectExactly, fillBacklog, tryFillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import type { RequirementId } from "../requirements/requirements.js";

const MAX_UINT32 = 0xffff_ffff;

export const page: readonly Case[] = [
  {
    // § PAGE-UNION: The pages of a run of Syncs, each with the `next_cli_seq` of the previous response as its
    // § `cli_seq`, MUST together hold each message after the first page's `acked_seq`, up to the last page's
    // § `next_cli_seq`, exactly once, and MUST reach the first page's `svr_seq`, while no other device acknowledges.
    id: "page/worked-example",
    title: "A device at 100 of 200 reaches 200 in pages of 50, and a last Sync acks the last page",
    requirements: ["PAGE-UNION", "PAGE-CAP", "SYNC-NEXT"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      await fillBacklog(t, 200);
      const phone = bob.device("phone");
      phone.cliSeq = bob.base + 100;
      // A server's pages may be smaller.
      for (let had = 100; had < 200 && phone.cliSeq < bob.base + 200; had = phone.cliSeq - bob.base) {
        const { ackedSeq, svrSeq, messages, nextCliSeq } = await phone.fetch(50);
        t.equal(
          { ackedSeq: ackedSeq - bob.base, svrSeq: svrSeq - bob.base },
          { ackedSeq: had, svrSeq: 200 },
          "SYNC-BASE",
          `the page from ${had} on does not report acked_seq ${had} and svr_seq 200`,
        );
        t.that(messages.length > 0, "PAGE-PROGRESS", "a page is empty", "messages: at least 1", "messages: none");
        t.that(
          messages.length <= 50,
          "PAGE-CAP",
          "a page is too large",
          "number of messages: at most 50",
          `number of messages: ${messages.length}`,
        );
        const violation = `next_cli_seq of the page from ${had} on is not the seq of its last message`;
        t.equal({ nextCliSeq: nextCliSeq - bob.base }, { nextCliSeq: had + messages.length }, "SYNC-NEXT", violation);
      }
      const seqs = phone.stored.map(({ seq }) => seq - bob.base);
      const expected = Array.from({ length: 100 }, (_, n) => 101 + n);
      t.equal({ seqs }, { seqs: expected }, "PAGE-UNION", "the pages together do not hold 101 to 200");
      const { ackedSeq, messages, nextCliSeq } = await phone.fetch(50);
      const end = bob.base + 200;
      t.equal(
        { ackedSeq, nextCliSeq, messages: messages.length },
        { ackedSeq: end, nextCliSeq: end, messages: 0 },
        "ACK-IMPLICIT",
        "the last Sync did not acknowledge the last page",
      );
    },
  },
  {
    id: "page/size-1",
    title: "110 messages are fetched in pages of 1, each message once and in order",
    requirements: ["PAGE-UNION", "PAGE-CAP"],
    bulk: true,
    run: (t: Context) => fetchInPages(t, 110, () => 1),
  },
  {
    id: "page/size-7",
    title: "140 messages are fetched in pages of 7, with a last page that is exactly full",
    requirements: ["PAGE-UNION", "PAGE-CAP"],
    bulk: true,
    run: (t: Context) => fetchInPages(t, 140, () => 7),
  },
  {
    id: "page/sizes-mixed",
    title: "120 messages are fetched in pages of changing sizes, among them 0 and 4294967295",
    requirements: ["PAGE-UNION", "PAGE-DEFAULT"],
    bulk: true,
    run: (t: Context) => fetchInPages(t, 120, (n) => [2, 1, 3, 8, 5, 13, 4, 1, 21, 9, 0, MAX_UINT32][n % 12] as number),
  },
  {
    id: "page/last-page-full",
    title: "The pages reach the last message, whether or not the last page is full",
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
          // Fetches as a client does: until next_cli_seq has reached svr_seq.
          await phone.catchUp(pageSize);
          t.fields(phone, { cliSeq: base + count }, "PAGE-UNION", "the pages do not reach svr_seq");
          const got = phone.stored.slice(before);
          t.all(got, base + 1, sent, "PAGE-UNION", `pages of ${pageSize} do not hold all of ${count} messages`);
          base += count;
        }
      }
    },
  },
  {
    // § PAGE-CAP: The response to a Sync with a `page_size` above 0 MUST NOT hold more than `page_size` messages.
    id: "page/cap",
    title: "A page holds at most page_size messages and begins with the first pending one",
    requirements: ["PAGE-CAP", "PAGE-PROGRESS"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 9);
      for (let pageSize = 1; pageSize <= 10; pageSize += 1) {
        const response = await bob.device().sync({ pageSize });
        expectNotEmpty(t, response, "PAGE-PROGRESS", pageSize);
        expectAtMost(t, response, "PAGE-CAP", pageSize, "page_size");
        t.page(response, bob.base + 1, sent, "SYNC-RANGE", "a page does not begin with the first pending messages");
      }
    },
  },
  {
    // § PAGE-DEFAULT: A Sync with `page_size` 0 MUST return a page of the server's choice, of at most `max_page_size`
    // § messages.
    id: "page/size-0",
    title: "A Sync with page_size 0 returns a non-empty page of at most max_page_size messages",
    requirements: ["PAGE-DEFAULT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      for (let pages = 0; pages < 5 && phone.cliSeq < bob.base + 5; pages += 1) {
        const response = await phone.fetch(0);
        expectNotEmpty(t, response, "PAGE-DEFAULT", 0);
        expectAtMost(t, response, "PAGE-DEFAULT", t.info.maxPageSize, "max_page_size");
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-DEFAULT", "pages for page_size 0 do not hold all messages");
    },
  },
  {
    // § PAGE-MAX: A response MUST NOT hold more than `max_page_size` messages, and a Sync with a larger `page_size`
    // § MUST be treated as one with `max_page_size`.
    id: "page/size-over-the-maximum",
    title: "A page_size above max_page_size is treated as max_page_size",
    requirements: ["PAGE-MAX", "PAGE-CAP", "PAGE-UNION", "PAGE-PROGRESS"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const { maxPageSize } = t.info;
      // If max_page_size exceeds what a case can send, this still shows that larger sizes are not refused.
      const { sent } = await tryFillBacklog(t, Math.min(maxPageSize + 5, 1500));
      const largeSizes = [Math.min(maxPageSize + 1, MAX_UINT32), 0x7fff_ffff, 0x8000_0000, MAX_UINT32];
      const fetch = async (phone: Device, pageSize: number) => {
        const page = await t.blaming("PAGE-MAX", () => phone.sync({ pageSize }));
        expectNotEmpty(t, page, "PAGE-PROGRESS", pageSize);
        expectAtMost(t, page, "PAGE-MAX", maxPageSize, "max_page_size");
        return page;
      };
      for (const pageSize of largeSizes) await fetch(bob.device(), pageSize);
      // The highest valid sizes, and one that does not fit into a byte.
      for (const pageSize of [256, maxPageSize - 1, maxPageSize]) {
        if (pageSize < 1 || pageSize > maxPageSize) continue;
        const { length } = (await bob.device().sync({ pageSize })).messages;
        t.that(
          length <= pageSize,
          "PAGE-CAP",
          "a page is too large",
          `number of messages: at most ${pageSize}, the page_size`,
          `number of messages: ${length}`,
        );
      }
      const phone = bob.device("phone");
      for (let had = -1, n = 0; had < phone.cliSeq && phone.cliSeq < bob.base + sent.length; n += 1) {
        had = phone.cliSeq;
        phone.store(await fetch(phone, largeSizes[n % largeSizes.length] as number));
      }
      expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-UNION");
    },
  },
  {
    // § PAGE-PROGRESS: If any message is pending, the response MUST hold at least one.
    id: "page/large-payloads",
    title: "With payloads of max_payload_bytes each page holds at least one message, and all arrive unchanged",
    requirements: ["PAGE-PROGRESS", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const size = Math.min(t.info.maxPayloadBytes, 4 << 20);
      // With large payloads, slightly more than the default limit of 4 MiB of gRPC libraries.
      const count = Math.max(4, Math.min(96, Math.ceil((5 << 20) / size)));
      const sent = await Promise.all(
        Array.from({ length: count }, (_, n) => alice.send(bob, new Uint8Array(size).fill(n))),
      );
      for (const pageSize of [1, 0, MAX_UINT32]) {
        const { messages } = await bob.device().sync({ pageSize });
        t.that(
          messages.length > 0,
          "PAGE-PROGRESS",
          "a page of large payloads is empty",
          "messages: at least 1",
          "messages: none",
        );
      }
      const phone = bob.device("phone");
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-PROGRESS");
      const payloads = new Map(sent.map(({ clientMessageId, payload }) => [clientMessageId, payload]));
      for (const { clientMessageId, payload } of phone.stored) {
        const same = Buffer.compare(payload, payloads.get(clientMessageId) ?? new Uint8Array()) === 0;
        t.that(
          same,
          "SEND-BYTES",
          "a large payload was changed",
          `payload: the ${payloads.get(clientMessageId)?.length} bytes that were sent`,
          `payload: ${payload.length} bytes with other content`,
        );
      }
    },
  },
  {
    id: "page/large-among-small",
    title: "A message of max_payload_bytes among small ones neither blocks the pages nor is skipped",
    requirements: ["PAGE-PROGRESS", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (const size of [1, 1, Math.min(t.info.maxPayloadBytes, 16 << 20), 1, 0, 1]) {
        sent.push(await alice.send(bob, new Uint8Array(size)));
      }
      for (const pageSize of [2, 0]) {
        const phone = bob.device("phone");
        await phone.catchUp(pageSize);
        const seqs = phone.stored.map(({ seq }) => seq - bob.base);
        t.equal({ seq: seqs.at(-1) }, { seq: 6 }, "PAGE-PROGRESS", "the pages do not get past a large message");
      }
      const rest = await bob.device("tablet").drain();
      const end = sent.slice(sent.length - rest.length);
      const violation = "the delivered messages are not exactly the unacknowledged ones";
      t.all(rest, bob.base + 7 - rest.length, end, "PAGE-UNION", violation);
    },
  },
  {
    // § PAGE-ARRIVALS: Messages that arrive between two pages MUST be neither lost nor delivered twice by the run.
    id: "page/arrivals-between",
    title: "Messages that arrive between two pages are delivered exactly once",
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
      const violation = "the pages together do not hold each message exactly once";
      t.all(phone.stored, bob.base + 1, sent, "PAGE-ARRIVALS", violation);
    },
  },
  {
    id: "page/arrivals-meanwhile",
    title: "Messages that arrive while a device fetches pages are delivered exactly once",
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
    // § PAGE-NO-TRAFFIC: The next page MUST be available even if no new message arrives.
    id: "page/no-traffic",
    title: "Each page is available at once, without a new message",
    requirements: ["PAGE-NO-TRAFFIC"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 8);
      const phone = bob.device("phone");
      for (let pages = 0; pages < 8 && phone.cliSeq < bob.base + 8; pages += 1) {
        const { messages } = await phone.fetch(2);
        const violation = "a page is empty while messages are pending";
        t.that(messages.length > 0, "PAGE-NO-TRAFFIC", violation, "messages: at least 1", "messages: none");
      }
      t.all(phone.stored, bob.base + 1, sent, "PAGE-NO-TRAFFIC", "the pages do not hold all messages");
    },
  },
  {
    // § PAGE-REPEAT: If two Syncs within one epoch returned the same `acked_seq`, the shorter of their pages MUST be
    // § the beginning of the longer one.
    id: "page/repeat",
    title: "Of two pages with the same acked_seq, the shorter is the beginning of the longer",
    requirements: ["PAGE-REPEAT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 9);
      for (const from of [0, 4]) {
        const pages: string[][] = [];
        const phone = bob.device("phone");
        phone.cliSeq = bob.base + from;
        for (const pageSize of [3, 3, 1, 0, 5, 3, 2, MAX_UINT32, 3]) pages.push(await idsOf(phone, pageSize));
        await alice.send(bob, "one more");
        pages.push(await idsOf(phone, 3), await idsOf(bob.device("tablet"), 0));
        const longest = pages.reduce((a, b) => (b.length > a.length ? b : a));
        for (const ids of pages) {
          t.equal(
            { messages: ids },
            { messages: longest.slice(0, ids.length) },
            "PAGE-REPEAT",
            "two pages with the same acked_seq differ",
          );
          t.that(ids.length > 0, "PAGE-PROGRESS", "a repeated page is empty", "messages: at least 1", "messages: none");
        }
        const violation = "a page does not begin with the message after acked_seq";
        t.equal(
          { firstSeq: Number(longest[0]?.split(":")[0]) },
          { firstSeq: bob.base + from + 1 },
          "SYNC-RANGE",
          violation,
        );
      }
    },
  },
];

async function idsOf(device: Device, pageSize: number): Promise<string[]> {
  const { messages } = await device.sync({ pageSize });
  return messages.map(({ seq, clientMessageId }) => `${seq}:${clientMessageId}`);
}

/** Fetches `count` messages in pages. `sizeOf` returns the size of a page by its number. */
async function fetchInPages(t: Context, count: number, sizeOf: (n: number, max: number) => number): Promise<void> {
  const { bob } = t;
  const sent = await fillBacklog(t, count);
  const phone = bob.device("phone");
  for (let n = 0; n <= count && phone.cliSeq < bob.base + count; n += 1) {
    const pageSize = sizeOf(n, t.info.maxPageSize);
    const limit = pageSize === 0 ? t.info.maxPageSize : Math.min(pageSize, t.info.maxPageSize);
    const had = Math.max(phone.cliSeq, bob.base);
    const { messages, ackedSeq } = await phone.fetch(pageSize);
    t.equal({ ackedSeq }, { ackedSeq: had }, "ACK-IMPLICIT", "a Sync did not acknowledge the previous page");
    t.that(messages.length > 0, "PAGE-PROGRESS", "a page is empty", "messages: at least 1", "messages: none");
    t.that(
      messages.length <= limit,
      "PAGE-CAP",
      "a page is too large",
      `number of messages: at most ${limit}`,
      `number of messages: ${messages.length}`,
    );
  }
  expectExactly(t, phone.stored, bob.base + 1, sent, "PAGE-UNION");
  const closing = await phone.fetch(1);
  t.page(closing, bob.base + count + 1, [], "PAGE-UNION", "a message was delivered after the last page");
}

/** Expects a page to hold a message. */
function expectNotEmpty(t: Context, { messages }: SyncResponse, requirement: RequirementId, pageSize: number): void {
  const violation = `a page for page_size ${pageSize} is empty`;
  t.that(messages.length > 0, requirement, violation, "messages: at least 1", "messages: none");
}

/** Expects a page to hold at most as many messages as a limit of this name allows. */
function expectAtMost(
  t: Context,
  { messages }: SyncResponse,
  requirement: RequirementId,
  most: number,
  limit: string,
): void {
  const [expected, actual] = [`at most ${most}, the ${limit}`, messages.length].map(
    (it) => `number of messages: ${it}`,
  );
  t.that(messages.length <= most, requirement, "a page is too large", expected as string, actual as string);
}
