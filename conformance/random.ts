/** Returns a generator of numbers in [0, 1), determined by seed and name. Not for secrets. */
export function seeded(seed: number, name: string): () => number {
  // FNV-1a hash of the name.
  let state = (2166136261 ^ seed) >>> 0;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 16777619) >>> 0;
  return mulberry32(state);
}

/** Returns the generator mulberry32: numbers in [0, 1), determined by a seed of 32 bits. Not for secrets. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Returns a random integer from `min` to `max`, both included. */
export const integer = (random: () => number, min: number, max: number) =>
  min + Math.min(max - min, Math.floor(random() * (max - min + 1)));

/** Returns a random element of a list that is not empty. */
export const pick = <T>(random: () => number, list: readonly T[]) => list[integer(random, 0, list.length - 1)] as T;

/** Returns the elements of a list in random order. */
export function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  const result = [...list];
  for (let end = result.length - 1; end > 0; end -= 1) {
    const other = integer(random, 0, end);
    [result[end], result[other]] = [result[other] as T, result[end] as T];
  }
  return result;
}
