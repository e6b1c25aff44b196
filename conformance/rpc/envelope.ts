/** Flags of an envelope of the Connect streaming protocol. */
export const FLAG_COMPRESSED = 0x01;
export const FLAG_END = 0x02;

const HEADER = 5;

export interface Envelope {
  flags: number;
  body: Uint8Array;
}

/** One byte of flags, four of length (big-endian), and the body. */
export function envelope(body: Uint8Array, flags = 0): Uint8Array {
  const framed = Buffer.alloc(HEADER + body.length);
  framed[0] = flags;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, HEADER);
  return framed;
}

/** Cuts a stream of bytes into envelopes. Throws if the stream ends within one, or announces one beyond `maxBytes`. */
export async function* envelopes(chunks: AsyncIterable<Uint8Array>, maxBytes = 1 << 20): AsyncGenerator<Envelope> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const length = rest.readUInt32BE(1);
      if (length > maxBytes) throw new Error(`an envelope of ${length} bytes`);
      if (rest.length < HEADER + length) break;
      yield { flags: rest[0] as number, body: rest.subarray(HEADER, HEADER + length) };
      rest = rest.subarray(HEADER + length);
    }
  }
  if (rest.length > 0) throw new Error(`the stream ended within an envelope, ${rest.length} bytes into it`);
}
