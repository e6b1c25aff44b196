import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inbox, type InboxLimits, MAX_SEQ, type NewMessage } from "./inbox.js";
import { refusal, refused } from "./testing/refusals.js";

const LIMITS: InboxLimits = { maxBacklog: 12, maxPageSize: 5, maxPageBytes: 30 };

const message = (id: string, bytes = 0): NewMessage => ({
  senderId: "alice",
  clientMessageId: id,
  payload: new Uint8Array(bytes),
  acceptedAt: timestampFromMs(0),
});

/** An inbox with `count` pending messages. */
function filled(count: number, startSeq = 0, limits: Partial<InboxLimits> = {}): Inbox {
  const inbox = new Inbox("e1", startSeq, { maxBacklog: 10_000, maxPageSize: 1000, maxPageBytes: 4 << 20, ...limits });
  for (let nr = 1; nr <= count; nr += 1) inbox.append(message(`m-${nr}`));
  return inbox;
}

const seqs = (page: { messages: { seq: number }[] }) => page.messages.map(({ seq }) => seq);

type Op =
  | { kind: "append"; bytes: number }
  | { kind: "sync"; from: "zero" | "acked" | "svr"; offset: number; epoch: "none" | "right" | "old"; pageSize: number }
  | { kind: "rotate" };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), bytes: fc.integer({ min: 0, max: 20 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("sync" as const),
      from: fc.constantFrom("zero", "acked", "svr"),
      offset: fc.integer({ min: -3, max: 3 }),
      epoch: fc.constantFrom("none", "right", "right", "old"),
      pageSize: fc.constantFrom(0, 1, 2, 5, 6, MAX_SEQ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rotate" as const) }) },
);

/**
 * A model of the inbox as a list: no message is ever removed, and the seq of a message is its position. It shares no
 * code with the inbox.
 */
class Model {
  base: number;
  acked: number;
  epoch = 1;
  sizes: number[] = [];

  constructor(startSeq: number) {
    this.base = startSeq;
    this.acked = startSeq;
  }

  get svr() {
    return this.base + this.sizes.length;
  }

  append(bytes: number): string | number {
    if (this.svr === 4294967295) return "resource_exhausted SEQ_EXHAUSTED";
    if (this.svr - this.acked === LIMITS.maxBacklog) return "resource_exhausted BACKLOG_FULL";
    return this.base + this.sizes.push(bytes);
  }

  /** Returns the seqs of the page, or the refusal. */
  sync(cliSeq: number, epoch: string, pageSize: number): string | number[] {
    if (epoch === "old") return "failed_precondition EPOCH_MISMATCH";
    if (cliSeq > this.svr) return "out_of_range CLI_SEQ_AHEAD";
    if (cliSeq > this.acked) this.acked = cliSeq;
    const maxMessages = pageSize === 0 || pageSize > 5 ? 5 : pageSize;
    const pending = this.sizes
      .map((bytes, index) => ({ seq: this.base + index + 1, bytes }))
      .slice(this.acked - this.base);
    // A page ends before the message that would exceed its limit of bytes, but always holds the first message.
    const fits = pending.filter((_, index) => index === 0 || sum(pending.slice(0, index + 1)) <= LIMITS.maxPageBytes);
    return fits.slice(0, maxMessages).map(({ seq }) => seq);
  }
}

const sum = (messages: { bytes: number }[]) => messages.reduce((total, { bytes }) => total + bytes, 0);

describe("any sequence of operations", () => {
  test("has the results of the model, and keeps the invariants", () => {
    const startSeq = fc.oneof(
      fc.constantFrom(0, 100, 2 ** 31 - 3, MAX_SEQ - 4, MAX_SEQ),
      fc.integer({ min: 0, max: MAX_SEQ }),
    );
    fc.assert(
      fc.property(startSeq, fc.array(op, { maxLength: 60, size: "max" }), (start, ops) => {
        const inbox = new Inbox("e1", start, LIMITS);
        let model = new Model(start);
        for (const step of ops) {
          const before = { acked: inbox.ackedSeq, svr: inbox.svrSeq };
          if (step.kind === "rotate") {
            const epoch = model.epoch + 1;
            inbox.rotate(`e${epoch}`);
            model = Object.assign(new Model(0), { epoch });
          } else if (step.kind === "append") {
            const expected = model.append(step.bytes);
            const append = () => inbox.append(message("m", step.bytes)).seq;
            expect(typeof expected === "string" ? refused(append) : append()).toBe(expected);
          } else {
            const base = { zero: 0, acked: model.acked, svr: model.svr }[step.from];
            const cliSeq = Math.min(Math.max(base + step.offset, 0), MAX_SEQ);
            const epoch = { none: "", right: `e${model.epoch}`, old: `e${model.epoch - 1}` }[step.epoch];
            const expected = model.sync(cliSeq, step.epoch, step.pageSize);
            const sync = () => inbox.sync(cliSeq, epoch, step.pageSize);
            if (typeof expected === "string") {
              expect(refused(sync)).toBe(expected);
              expect(refusal(sync).detail).toMatchObject({ epoch: `e${model.epoch}`, svrSeq: model.svr });
            } else {
              const page = sync();
              expect(seqs(page)).toEqual(expected);
              expect(page).toMatchObject({
                epoch: `e${model.epoch}`,
                svrSeq: model.svr,
                ackedSeq: model.acked,
                nextCliSeq: expected.at(-1) ?? model.acked,
              });
              expect(page.messages.map(({ payload }) => payload.length)).toEqual(
                expected.map((seq) => model.sizes[seq - model.base - 1]),
              );
            }
          }
          expect(inbox.svrSeq).toBe(model.svr);
          expect(inbox.ackedSeq).toBe(model.acked);
          expect(inbox.ackedSeq).toBeLessThanOrEqual(inbox.svrSeq);
          expect(inbox.svrSeq).toBeLessThanOrEqual(MAX_SEQ);
          if (step.kind !== "rotate") {
            expect(inbox.ackedSeq).toBeGreaterThanOrEqual(before.acked);
            expect(inbox.svrSeq).toBeGreaterThanOrEqual(before.svr);
          }
          // The pending messages are exactly those above the ack.
          expect([...inbox.pending.keys()]).toEqual(
            Array.from({ length: model.svr - model.acked }, (_, index) => model.acked + index + 1),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the worked examples of the specification", () => {
  test("fetch, ack with the next Sync, another phone", () => {
    const inbox = filled(200);
    inbox.sync(100, "e1", 0);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

    const lost = inbox.sync(100, "e1", 0);
    expect(lost).toMatchObject({ ackedSeq: 100, nextCliSeq: 200, svrSeq: 200 });
    expect(seqs(lost)).toEqual(range(101, 200));
    expect(inbox.sync(100, "e1", 0)).toEqual(lost);

    for (let nr = 201; nr <= 260; nr += 1) inbox.append(message(`m-${nr}`));
    const next = inbox.sync(200, "e1", 0);
    expect(next).toMatchObject({ ackedSeq: 200, nextCliSeq: 260, svrSeq: 260 });
    expect(seqs(next)).toEqual(range(201, 260));

    expect(inbox.sync(140, "e1", 0)).toEqual(next);
  });

  test("with pages of 50", () => {
    const inbox = filled(200, 0, { maxPageSize: 50 });
    inbox.sync(100, "e1", 0);
    const pages = [100, 150, 200].map((cliSeq) => inbox.sync(cliSeq, "e1", 0));
    expect(pages.map(({ ackedSeq, nextCliSeq, svrSeq }) => [ackedSeq, nextCliSeq, svrSeq])).toEqual([
      [100, 150, 200],
      [150, 200, 200],
      [200, 200, 200],
    ]);
    expect(pages.map(({ messages }) => messages.length)).toEqual([50, 50, 0]);
  });
});

describe("limits", () => {
  test("the last seq is 4294967295; after it every message is refused, and Sync still works", () => {
    const inbox = filled(2, MAX_SEQ - 2);
    expect(refused(() => inbox.append(message("over")))).toBe("resource_exhausted SEQ_EXHAUSTED");
    expect(seqs(inbox.sync(MAX_SEQ - 2, "e1", 0))).toEqual([MAX_SEQ - 1, MAX_SEQ]);
    expect(inbox.sync(MAX_SEQ, "e1", 0)).toMatchObject({ ackedSeq: MAX_SEQ, svrSeq: MAX_SEQ, messages: [] });
    expect(refused(() => inbox.append(message("over")))).toBe("resource_exhausted SEQ_EXHAUSTED");
  });

  test("the numbering crosses 2147483648", () => {
    const inbox = filled(3, 2 ** 31 - 2);
    expect(seqs(inbox.sync(0, "", 0))).toEqual([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1]);
    expect(seqs(inbox.sync(2 ** 31, "", 0))).toEqual([2 ** 31 + 1]);
  });

  test("a full inbox refuses without using a seq, and accepts messages again after an ack", () => {
    const inbox = filled(3, 0, { maxBacklog: 3 });
    expect(refused(() => inbox.append(message("over")))).toBe("resource_exhausted BACKLOG_FULL");
    expect(inbox.state()).toEqual({ epoch: "e1", svrSeq: 3 });
    inbox.sync(1, "e1", 0);
    expect(inbox.append(message("m-4")).seq).toBe(4);
  });

  test("at the last seq, a full inbox refuses as exhausted and not as full", () => {
    const inbox = filled(2, MAX_SEQ - 2, { maxBacklog: 2 });
    expect(refused(() => inbox.append(message("over")))).toBe("resource_exhausted SEQ_EXHAUSTED");
  });

  test("a page ends before the message that would exceed its limit of bytes; a larger message is a page of its own", () => {
    const inbox = new Inbox("e1", 0, { maxBacklog: 9, maxPageSize: 9, maxPageBytes: 10 });
    for (const [index, bytes] of [6, 4, 1, 11, 0].entries()) inbox.append(message(`m-${index}`, bytes));
    const pages: number[][] = [];
    for (let page = inbox.sync(0, "e1", 0); pages.length < 5; page = inbox.sync(page.nextCliSeq, "e1", 0)) {
      pages.push(seqs(page));
    }
    expect(pages).toEqual([[1, 2], [3], [4], [5], []]);
  });

  test("acked messages are deleted", () => {
    const inbox = filled(100);
    inbox.sync(60, "e1", 1);
    expect(inbox.pending.size).toBe(40);
  });
});
