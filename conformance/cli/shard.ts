import { InvalidArgumentError } from "commander";

/** One part of a run that several machines share. */
export interface Shard {
  /** From 1 to `of`. */
  index: number;
  of: number;
}

/** Reads "2/3". */
export function parseShard(text: string): Shard {
  const [, index = 0, of = 0] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index < 1 || index > of) throw new InvalidArgumentError("It must be i/n, such as 2/3, with i from 1 to n.");
  return { index, of };
}

export const shardText = ({ index, of }: Shard) => `${index}/${of}`;
