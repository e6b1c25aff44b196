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

/**
 * Splits a stream of bytes into envelopes. Throws EnvelopeError if the stream ends within an envelope, or declares one
 * longer than `maxBytes`; and the error of `chunks`, if there is one.
 */
export async function* envelopes(chunks: AsyncIterable<Uint8Array>, maxBytes = 1 << 20): AsyncGenerator<Envelope> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= ENVELOPE_HEADER_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > maxBytes) throw new EnvelopeError(`an envelope has ${length} bytes; the maximum is ${maxBytes}`);
      if (rest.length < ENVELOPE_HEADER_BYTES + length) break;
      yield { flags: rest[0] as number, body: rest.subarray(ENVELOPE_HEADER_BYTES, ENVELOPE_HEADER_BYTES + length) };
      rest = rest.subarray(ENVELOPE_HEADER_BYTES + length);
    }
  }
  if (rest.length > 0) throw new EnvelopeError(`the stream ended within an envelope, ${rest.length} bytes into it`);
}
