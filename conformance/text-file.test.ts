import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readTextFile } from "./text-file.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-text-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: Uint8Array | string, maxBytes?: number): string {
  const file = join(folder, "text");
  writeFileSync(file, content);
  return readTextFile(file, maxBytes);
}

test("a byte order mark is not part of the text", () => {
  expect(read("\ufeffaé\r\n")).toBe("aé\r\n");
});

test.each([
  ["UTF-16", Buffer.from("\ufeff{}", "utf16le"), 1, /is UTF-16 text; convert it to UTF-8/],
  ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), 1, /compressed with gzip/],
  ["other bytes", Buffer.from("a\nb\n\xffc", "latin1"), 3, /not UTF-8/],
])("%s is rejected with its line", (_, content, line, message) => {
  expect(() => read(content)).toThrow(expect.objectContaining({ line, message: expect.stringMatching(message) }));
});

test("a file without an end is not read further than its maximum", () => {
  expect(() => readTextFile("/dev/zero", 1 << 20)).toThrow(/more than 1 MiB/);
});
