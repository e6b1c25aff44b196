/** Flag of the end-of-stream message in the Connect streaming protocol. */
export const FLAG_END = 0x02;

/** Length of the header of an envelope, in bytes. */
const HEADER_BYTES = 5;

export interface Envelope {
  flags: number;
  body: Uint8Array;
}

/** Encodes an envelope: one byte of flags, four bytes of length (big-endian), and the body. */
export function envelope(body: Uint8Array, flags = 0): Uint8Array {
  const framed = Buffer.alloc(HEADER_BYTES + body.length);
  framed[0] = flags;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, HEADER_BYTES);
  return framed;
}

/**
 * Splits a stream of bytes into envelopes. Throws if the stream ends within an envelope, or declares one longer than
 * `maxBytes`.
 */
export async function* envelopes(chunks: AsyncIterable<Uint8Array>, maxBytes = 1 << 20): AsyncGenerator<Envelope> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > maxBytes) throw new Error(`an envelope has ${length} bytes; the maximum is ${maxBytes}`);
      if (rest.length < HEADER_BYTES + length) break;
      yield { flags: rest[0] as number, body: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
  if (rest.length > 0) throw new Error(`the stream ended within an envelope, ${rest.length} bytes into it`);
}
