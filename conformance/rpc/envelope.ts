import { FloodError } from "./flood.js";

/** Flag of the end-of-stream message in the Connect streaming protocol. */
export const FLAG_END = 0x02;

/** Length of the header of an envelope, in bytes. */
export const ENVELOPE_HEADER_BYTES = 5;

export interface Envelope {
  flags: number;
  body: Uint8Array;
}

/** Encodes an envelope: one byte of flags, four bytes of length (big-endian), and the body. */
export function envelope(body: Uint8Array, flags = 0): Uint8Array {
  const framed = Buffer.alloc(ENVELOPE_HEADER_BYTES + body.length);
  framed[0] = flags;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, ENVELOPE_HEADER_BYTES);
  return framed;
}

/** Thrown if a complete body does not consist of envelopes. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
}

/** Maximum number of envelopes that are read from a stream: hundreds of times what the suite causes. */
const MAX_ENVELOPES = 4_000;
/** Maximum size of all envelopes that are read from a stream, in bytes: some servers pad each frame for proxies. */
const MAX_STREAM_BYTES = 64 << 20;

/**
 * Splits a stream of bytes into envelopes. Throws EnvelopeError if the stream ends within an envelope, or declares one
 * longer than `maxBytes`; FloodError if it is longer than the suite reads, which violates nothing; and the error of
 * `chunks`, if there is one.
 */
export async function* envelopes(chunks: AsyncIterable<Uint8Array>, maxBytes = 1 << 20): AsyncGenerator<Envelope> {
  let count = 0;
  let bytes = 0;
  let rest = Buffer.alloc(0);
  /** Chunks after `rest`: they are joined once they complete an envelope, not each time that a byte arrives. */
  let parts: Uint8Array[] = [];
  let available = 0;
  let needed = ENVELOPE_HEADER_BYTES;
  for await (const chunk of chunks) {
    parts.push(chunk);
    available += chunk.length;
    if (available < needed) continue;
    rest = Buffer.concat([rest, ...parts]);
    parts = [];
    for (;;) {
      needed = ENVELOPE_HEADER_BYTES;
      if (rest.length < needed) break;
      const length = rest.readUInt32BE(1);
      if (length > maxBytes) throw new EnvelopeError(`an envelope has ${length} bytes; the maximum is ${maxBytes}`);
      needed += length;
      if (rest.length < needed) break;
      count += 1;
      bytes += needed;
      if (count > MAX_ENVELOPES)
        throw new FloodError(`the server sent more than ${MAX_ENVELOPES} frames on one Watch; the suite reads no more`);
      if (bytes > MAX_STREAM_BYTES)
        throw new FloodError(
          `the frames of one Watch are larger than ${MAX_STREAM_BYTES} bytes; the suite reads no more`,
        );
      yield { flags: rest[0] as number, body: rest.subarray(ENVELOPE_HEADER_BYTES, needed) };
      rest = rest.subarray(needed);
    }
    available = rest.length;
  }
  rest = Buffer.concat([rest, ...parts]);
  if (rest.length > 0) throw new EnvelopeError(`the stream ended within an envelope, ${rest.length} bytes into it`);
}
