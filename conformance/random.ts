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
