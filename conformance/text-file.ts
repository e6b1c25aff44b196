import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";

/** Default of the maximum size of a text file, in bytes. */
const MAX_BYTES = 16 << 20;
const CHUNK_BYTES = 64 << 10;

/** Thrown for a file whose content is not usable text. The message completes "the file …", and tells the remedy. */
export class TextFileError extends Error {
  /** Number of the line, from 1; undefined if the error concerns the whole file. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/**
 * Reads a whole text file in UTF-8, with or without a byte order mark; "-" is standard input. A named pipe is read until
 * its writer closes it.
 *
 * @throws TextFileError if the file is larger than `maxBytes` or not UTF-8. Throws the error of the file system if it
 * cannot be read.
 */
export const readTextFile = (file: string, maxBytes = MAX_BYTES): string => decode(readBounded(file, maxBytes));

/** Reads a whole text from a stream, like {@link readTextFile}. */
export async function readTextStream(chunks: AsyncIterable<Uint8Array>, maxBytes = MAX_BYTES): Promise<string> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    kept.push(chunk);
  }
  return decode(Buffer.concat(kept));
}

const tooLarge = (maxBytes: number) => new TextFileError(`has more than ${maxBytes >> 20} MiB, which is the maximum`);

function decode(bytes: Buffer): string {
  const other = otherEncoding(bytes);
  if (other !== undefined) throw new TextFileError(other, 1);
  if (!isUtf8(bytes)) throw new TextFileError(NOT_UTF8, lineOfInvalidByte(bytes));
  return new TextDecoder().decode(bytes);
}

/** What is wrong with a text that has a byte which is not UTF-8. */
export const NOT_UTF8 = "is not UTF-8 text; it may be damaged, or of another kind";

/** Explains a file that is not UTF-8 by its first bytes, if they are those of a frequent other kind. */
export function otherEncoding([first, second]: Uint8Array): string | undefined {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return "is UTF-16 text; convert it to UTF-8";
  if (first === 0x1f && second === 0x8b) return "is compressed with gzip; decompress it";
  return undefined;
}

function readBounded(file: string, maxBytes: number): Buffer {
  const fd = file === "-" ? 0 : openSync(file, "r");
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSome(fd, chunk);
      if (read === 0) return Buffer.concat(chunks);
      size += read;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Reads some bytes; 0 at the end of the file. */
function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      // Standard input that is not blocking has no data yet.
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Returns the line of the first byte that is not UTF-8. */
function lineOfInvalidByte(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    // A character never spans two lines.
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}
