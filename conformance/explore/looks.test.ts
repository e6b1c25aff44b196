import { expect, test } from "vitest";
import { ASPECTS } from "../harness/variation.js";
import { Looks } from "./looks.js";

const ALL = new Set(ASPECTS);

/** The payloads of the next messages of a look, and the aspects of its next requests. */
function next(looks: Looks, name: number) {
  const look = looks.of(name);
  return Array.from({ length: 8 }, () => {
    const choice = look.forms.next();
    const forms = ASPECTS.filter((aspect) => choice?.applies(aspect as never));
    return { payload: Buffer.from(look.payload(1000)).toString("base64"), forms };
  });
}

test("a step looks the same each time, whatever the others are", () => {
  const looks = new Looks(7, ALL);
  next(looks, 1);
  expect(next(looks, 2)).toEqual(next(new Looks(7, ALL), 2));
  expect(next(looks, 3)).not.toEqual(next(new Looks(8, ALL), 3));
});

test("without an aspect, the others stay as they are", () => {
  const without = new Set(ASPECTS.filter((name) => name !== "chunked"));
  expect(next(new Looks(7, without), 1)).toEqual(
    next(new Looks(7, ALL), 1).map((it) => ({ ...it, forms: it.forms.filter((name) => name !== "chunked") })),
  );
});

test("the look 0 is plain, and so are all looks of the seed 0", () => {
  const looks = new Looks(7, ALL);
  for (const plain of [next(looks, 0), next(new Looks(0, ALL), 1)])
    for (const { payload, forms } of plain) {
      expect(Buffer.from(payload, "base64").toString()).toMatch(/^message \d$/);
      expect(forms).toEqual([]);
    }
  expect(looks.varied).toEqual([]);
  next(looks, 1);
  expect(looks.varied).toEqual(expect.arrayContaining(["header-case", "ids", "payload-sizes"]));
});

test("no two messages of a program have the same id", () => {
  const looks = new Looks(7, ALL);
  const ids = Array.from({ length: 400 }, (_, index) => looks.of(index % 7).id(`id-${index}`));
  expect(new Set(ids).size).toBe(ids.length);
  expect(looks.claimed("id-of-another", "x")).toBe("id-of-another");
  expect(looks.claimed("id-of-another", "y")).toBe("y");
});
