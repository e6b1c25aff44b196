/** Numbers from 0 to below 1, the same for the same seed and name (mulberry32 over an FNV-1a hash). Not for secrets. */
export function seeded(seed: number, name: string): () => number {
  let state = (2166136261 ^ seed) >>> 0;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 16777619) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
