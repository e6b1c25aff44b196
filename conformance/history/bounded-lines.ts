import { isUtf8 } from "node:buffer";
import { NOT_UTF8, otherEncoding } from "../text-file.js";

/** Maximum length of a line, in bytes: much longer than the largest page. */
const MAX_LINE_BYTES = 16 << 20;
/** Maximum number of consecutive bytes without a useful line. The rest of such a file is not read. */
const MAX_USELESS_BYTES = 64 << 20;

const NEWLINE = 0x0a;

/** A line that is not blank, or what is wrong with it. */
export type Line = {
  /** Number of the line, from 1. */
  number: number;
} & (
  | { text: string }
  | {
      problem: string;
      /** Nothing is read after it. */
      isEnd?: true;
    }
);

/**
 * Splits a stream of UTF-8 text into lines. Memory and time are bounded whatever the stream is: a line that is too long
 * is skipped, and the stream is not read further after too many bytes in which no line was useful.
 */
export class BoundedLines {
  readonly #chunks: AsyncIterable<Uint8Array>;
  /** Number of bytes since the last useful line. */
  #useless = 0;
  #number = 0;
  #line: Uint8Array[] = [];
  #lineBytes = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** Says that the last line was useful. */
  markUseful(): void {
    this.#useless = 0;
  }

  /** Yields the lines that are not blank, until the end of the stream or until it is not worth reading further. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Line> {
    let isFirst = true;
    for await (const chunk of this.#chunks) {
      const other = isFirst ? otherEncoding(chunk) : undefined;
      if (other !== undefined) return yield { number: 1, problem: `the file ${other}`, isEnd: true };
      isFirst = false;
      yield* this.#split(chunk);
      this.#useless += chunk.length;
      if (this.#useless > MAX_USELESS_BYTES) {
        const mib = MAX_USELESS_BYTES >> 20;
        return yield {
          number: this.#number + 1,
          problem: `there was no event in ${mib} MiB of the file, so the rest is not read`,
          isEnd: true,
        };
      }
    }
    if (this.#lineBytes > 0) yield* this.#end();
  }

  *#split(chunk: Uint8Array): Generator<Line> {
    for (let start = 0; start < chunk.length; ) {
      // Many blank lines are skipped quickly.
      if (chunk[start] === NEWLINE && this.#lineBytes === 0) {
        this.#number += 1;
        start += 1;
        continue;
      }
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline;
      this.#add(chunk.subarray(start, end));
      if (newline < 0) return;
      yield* this.#end();
      start = newline + 1;
    }
  }

  #add(part: Uint8Array): void {
    this.#lineBytes += part.length;
    if (this.#lineBytes > MAX_LINE_BYTES) this.#line = [];
    else this.#line.push(part);
  }

  *#end(): Generator<Line> {
    this.#number += 1;
    const number = this.#number;
    const size = this.#lineBytes;
    const bytes = Buffer.concat(this.#line);
    this.#line = [];
    this.#lineBytes = 0;
    if (size > MAX_LINE_BYTES)
      return yield { number, problem: `the line has more than ${MAX_LINE_BYTES >> 20} MiB, which is the maximum` };
    if (!isUtf8(bytes)) return yield { number, problem: `the line ${NOT_UTF8}` };
    // A byte order mark is not part of the text.
    const text = new TextDecoder().decode(bytes).trim();
    if (text !== "") yield { number, text };
  }
}
