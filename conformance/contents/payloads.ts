import { integer, pick } from "../random.js";
import { CORPUS } from "./corpus.js";

/** Sizes of usual payloads, in bytes: around powers of two. */
const USUAL_SIZES: readonly number[] = around([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

/** Sizes of large payloads, in bytes. */
const LARGE_SIZES: readonly number[] = around([12, 13, 14, 15, 16]);

/** Largest payload that is made although nothing but the declared limit asks for its size, in bytes. */
const MAX_BYTES = 70_000;

/** Share of large payloads. */
const LARGE_SHARE = 0.04;

function around(exponents: readonly number[]): number[] {
  const sizes = exponents.flatMap((exponent) => [2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1]);
  return [...new Set(sizes)];
}

/** Returns a size of at most `maxBytes`: mostly below 1 KiB, now and then, if `mayBeLarge`, one of 4 to 70 KiB. */
export function anySize(random: () => number, maxBytes: number, mayBeLarge: boolean): number {
  const limits = [maxBytes, maxBytes - 1].filter((size) => size >= 0 && size <= MAX_BYTES);
  const isLarge = mayBeLarge && random() < LARGE_SHARE;
  const candidates = isLarge ? [...LARGE_SIZES, ...limits] : [...USUAL_SIZES, ...limits.filter((size) => size < 1024)];
  const sizes = candidates.filter((size) => size <= maxBytes);
  if (sizes.length === 0) return maxBytes;
  return random() < 0.7 ? pick(random, sizes) : integer(random, 0, Math.min(maxBytes, 1024));
}

/** Returns entries of the corpus with a mark in front of, behind or between them. */
export function marked(random: () => number, mark: Uint8Array): Uint8Array {
  const [first, second] = [pick(random, CORPUS).bytes, pick(random, CORPUS).bytes];
  const parts = pick(random, [
    [first, mark],
    [mark, first],
    [first, mark, first],
    [first, mark, second],
  ]);
  return Buffer.concat(parts);
}

/**
 * Changes a content to exactly `size` bytes: cuts it, or appends repetitions of it, any bytes, or one byte again and
 * again. The result contains the mark if there is room for it.
 */
export function sized(random: () => number, content: Uint8Array, mark: Uint8Array, size: number): Uint8Array {
  const result = Buffer.alloc(size);
  const filler = pick(random, ["repeated", "any", "one"]);
  if (filler === "repeated" && content.length > 0) result.fill(content);
  else if (filler === "any") fillWithAny(random, result);
  else result.fill(pick(random, [0, 0x20, 0x61, 0xff]));
  result.set(content.subarray(0, size));
  if (size >= mark.length) result.set(mark, pick(random, [0, size - mark.length]));
  return result;
}

/** Fills a buffer with bytes of all values. */
function fillWithAny(random: () => number, buffer: Buffer): void {
  for (let at = 0; at < buffer.length; at += 1) buffer[at] = integer(random, 0, 255);
}
