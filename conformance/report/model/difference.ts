/** A part of a text. */
export interface Part {
  text: string;
  /** Whether the other text contains this part too, in the same order. */
  same: boolean;
}

/** Maximum words and separators for a full comparison. In longer texts only the common start and end are found. */
const MAX_TOKENS = 400;

/** Compares two texts by words and numbers, so that a changed digit marks the whole number. */
export function difference(expected: string, actual: string): { expected: Part[]; actual: Part[] } {
  const a = tokens(expected);
  const b = tokens(actual);
  const [keptA, keptB] = a.length > MAX_TOKENS || b.length > MAX_TOKENS ? commonEnds(a, b) : commonSubsequence(a, b);
  // Texts that share less than half of the words of the shorter one are marked as a whole.
  const shared = a.filter((token, index) => keptA.has(index) && /[\p{L}\p{N}]/u.test(token)).length;
  const words = Math.min(...[a, b].map((list) => list.filter((token) => /[\p{L}\p{N}]/u.test(token)).length));
  if (shared * 2 < words) return { expected: whole(expected), actual: whole(actual) };
  return { expected: parts(a, keptA), actual: parts(b, keptB) };
}

const tokens = (text: string) => text.match(/[\p{L}\p{N}_…-]+|\s+|./gsu) ?? [];

const whole = (text: string): Part[] => (text === "" ? [] : [{ text, same: false }]);

function parts(list: readonly string[], kept: ReadonlySet<number>): Part[] {
  const joined: Part[] = [];
  for (const [index, text] of list.entries()) {
    const same = kept.has(index);
    const last = joined.at(-1);
    if (last?.same === same) last.text += text;
    else joined.push({ text, same });
  }
  return joined;
}

type Kept = [a: ReadonlySet<number>, b: ReadonlySet<number>];

function commonEnds(a: readonly string[], b: readonly string[]): Kept {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const ends = (length: number) =>
    new Set(Array.from({ length }, (_, index) => index).filter((index) => index < start || index >= length - end));
  return [ends(a.length), ends(b.length)];
}

/** The longest common subsequence, by dynamic programming. */
function commonSubsequence(a: readonly string[], b: readonly string[]): Kept {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const kept: [Set<number>, Set<number>] = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      kept[0].add(i++);
      kept[1].add(j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return kept;
}
