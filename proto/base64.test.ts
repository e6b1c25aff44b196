import { expect, test } from "vitest";
import "./base64.js";

type WithBase64 = Uint8Array & {
  toBase64(options?: { alphabet?: "base64" | "base64url"; omitPadding?: boolean }): string;
};

// Bytes that need both alphabets, of each length modulo 3; from a larger buffer, as bodies are.
const parts = [0, 1, 2, 3].map((size) => Uint8Array.of(9, 0xfb, 0xff, 0xfe, 9).subarray(1, 1 + size) as WithBase64);

test("bytes become base64 with and without padding, in both alphabets", () => {
  expect(parts.map((part) => part.toBase64())).toEqual(["", "+w==", "+/8=", "+//+"]);
  expect(parts.map((part) => part.toBase64({ omitPadding: true }))).toEqual(["", "+w", "+/8", "+//+"]);
  expect(parts.map((part) => part.toBase64({ alphabet: "base64url" }))).toEqual(["", "-w==", "-_8=", "-__-"]);
  expect(parts.map((part) => part.toBase64({ alphabet: "base64url", omitPadding: true }))).toEqual([
    "",
    "-w",
    "-_8",
    "-__-",
  ]);
});

test("it does not show among the properties, as the standard's does not", () => {
  expect(Object.keys(Uint8Array.prototype)).toEqual([]);
});
