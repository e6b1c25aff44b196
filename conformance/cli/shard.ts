import { InvalidArgumentError } from "commander";

/** One part of a run that is split between several machines. */
export interface Shard {
  /** Number of the part, from 1 to `of`. */
  index: number;
  /** Total number of parts. */
  of: number;
}

/** Parses a shard such as "2/3". */
export function parseShard(text: string): Shard {
  const [, index = 0, of = 0] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index < 1 || index > of) throw new InvalidArgumentError("It must be i/n, such as 2/3, with i from 1 to n.");
  return { index, of };
}

export const shardText = ({ index, of }: Shard) => `${index}/${of}`;
