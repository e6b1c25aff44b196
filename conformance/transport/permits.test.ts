import { expect, it } from "vitest";
import { Permits } from "./permits.js";

it("grants permits in the order of the requests, and a returned one to the next", () => {
  const permits = new Permits(2);
  const granted: string[] = [];
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => permits.acquire(() => granted.push(name)));
  expect(granted).toEqual(["a", "b"]);
  expect([a, b, c, d].map((it) => it?.isWaiting())).toEqual([false, false, true, true]);
  c?.cancel();
  b?.cancel();
  b?.cancel();
  expect(granted).toEqual(["a", "b", "d"]);
});
