import { expect, test } from "vitest";
import { lookAlikes } from "./look-alikes.js";

test("a name is none of its look-alikes; they are its parts, longer ones, and other cases", () => {
  const of = lookAlikes("Send");
  expect(of).toEqual(expect.arrayContaining(["S", "Se", "Sen", "end", "Sends", "Send2", "xSend", "send", "SEND"]));
  expect(of).not.toContain("Send");
  expect(new Set(of).size).toBe(of.length);
  expect(lookAlikes("proto")).not.toContain("proto");
});
