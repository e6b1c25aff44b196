import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dedup, type DedupRecord, digest } from "./dedup.js";
import { refused } from "./testing/refusals.js";

const record = (nr = 0): DedupRecord => ({
  recipientId: "bob",
  epoch: "e1",
  payloadDigest: digest(Buffer.from(`${nr}`)),
  acceptedAt: timestampFromMs(nr),
});

describe("the dedup window", () => {
  test("a record exists until the window ends, counted from the acceptance and not from the last lookup", () => {
    const dedup = new Dedup(1000, 10);
    dedup.add("alice", "m-1", 5000, record(1));
    expect(dedup.find("alice", "m-1", 5000)).toMatchObject(record(1));
    expect(dedup.find("alice", "m-1", 5999)).toMatchObject(record(1));
    expect(dedup.find("alice", "m-1", 6000)).toBeUndefined();
  });

  test("every lookup frees the expired records, and no other", () => {
    const dedup = new Dedup(1000, 10);
    for (let nr = 0; nr < 5; nr += 1) dedup.add("alice", `m-${nr}`, nr * 100, record(nr));
    dedup.find("carol", "other", 1200);
    expect(dedup.size).toBe(2);
    expect(dedup.find("alice", "m-2", 1200)).toBeUndefined();
    expect(dedup.find("alice", "m-3", 1200)).toMatchObject(record(3));
  });

  test("an id that is used again after a data loss has a new window, and does not extend others", () => {
    const dedup = new Dedup(1000, 10);
    dedup.add("alice", "m-1", 0, record(1));
    dedup.add("alice", "m-2", 100, record(2));
    dedup.add("alice", "m-1", 500, record(3));
    expect(dedup.find("alice", "m-2", 1100)).toBeUndefined();
    expect(dedup.find("alice", "m-1", 1499)).toMatchObject(record(3));
    expect(dedup.find("alice", "m-1", 1500)).toBeUndefined();
    expect(dedup.size).toBe(0);
  });
});

test("at the maximum number of records, a new one is refused for now, and none is dropped early", () => {
  const dedup = new Dedup(1000, 2);
  dedup.checkRoom();
  dedup.add("alice", "m-1", 0, record(1));
  dedup.add("alice", "m-2", 500, record(2));
  expect(refused(() => dedup.checkRoom())).toBe("resource_exhausted");
  expect(dedup.find("alice", "m-1", 999)).toMatchObject(record(1));
  dedup.find("alice", "m-1", 1000);
  expect(() => dedup.checkRoom()).not.toThrow();
});

test("expired records are freed from memory, however many expire at once", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const dedup = new Dedup(1000, 10_000);
  const held: WeakRef<DedupRecord>[] = [];
  for (let nr = 0; nr < 2000; nr += 1) {
    const it = record(nr);
    held.push(new WeakRef(it));
    dedup.add("alice", `m-${nr}`, nr < 1900 ? 0 : 500, it);
  }
  dedup.find("alice", "m-0", 1000);
  await setImmediate(); // a WeakRef keeps its target until the end of the turn in which it was created
  collect();
  expect(held.filter((it) => it.deref() !== undefined)).toHaveLength(100);
  expect(dedup.find("alice", "m-1999", 1000)).toMatchObject(record(1999));
  expect(dedup.find("alice", "m-1999", 1500)).toBeUndefined();
});

test("different pairs of sender and id have different keys, whatever characters they contain", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "1", ":", "\0", "é"), maxLength: 4 });
  fc.assert(
    fc.property(fc.tuple(name, name), fc.tuple(name, name), ([sender, id], [otherSender, otherId]) => {
      const dedup = new Dedup(1000, 10);
      dedup.add(sender, id, 0, record());
      const found = dedup.find(otherSender, otherId, 0) !== undefined;
      expect(found).toBe(sender === otherSender && id === otherId);
    }),
    {
      examples: [
        [
          ["a", "1:a"],
          ["a1:", "a"],
        ],
        [
          ["a", "bc"],
          ["ab", "c"],
        ],
      ],
    },
  );
});
