import { BinaryReader } from "@bufbuild/protobuf/wire";

/**
 * Maximum number of fields in a message of a response, and of values in its JSON form. The largest page that the suite
 * causes is far smaller. Each message takes hundreds of bytes of memory, however short it is on the wire.
 */
const MAX_FIELDS = 20_000;
const MAX_JSON_VALUES = 10 * MAX_FIELDS;

/** Maximum length of an id or an epoch, in characters: more than a hundred times what the specification allows. */
const MAX_TEXT = 16_384;

/** Thrown if a response is larger than the suite reads. */
export class FloodError extends Error {
  override readonly name = "FloodError";
}

/** Bytes that begin an object or an array, or separate two values: `{`, `[` and `,`. */
const BEGINS_VALUE = new Set([0x7b, 0x5b, 0x2c]);

/** Throws for a body with more fields than the memory of the suite suffices for. */
export function refuseFlood(body: Uint8Array, codec: "proto" | "json"): void {
  // No field takes less than two bytes, and no value in JSON less than one.
  if (codec === "proto" && body.length > 2 * MAX_FIELDS) refuseFields(body);
  if (codec === "json" && body.length > MAX_JSON_VALUES) refuseValues(body);
}

function refuseFields(body: Uint8Array): void {
  const reader = new BinaryReader(body);
  for (let fields = 0; reader.pos < reader.len; fields += 1) {
    if (fields === MAX_FIELDS)
      throw new FloodError(`it has more than ${MAX_FIELDS} fields, the most that the suite reads`);
    const [number, type] = reader.tag();
    reader.skip(type, number);
  }
}

function refuseValues(body: Uint8Array): void {
  let values = 0;
  for (const byte of body) if (BEGINS_VALUE.has(byte)) values += 1;
  if (values > MAX_JSON_VALUES)
    throw new FloodError(`it has more than ${MAX_JSON_VALUES} values, the most that the suite reads`);
}

/** Throws if an id or an epoch in a response, or in one of its messages, is longer than the suite reads. */
export function refuseLongTexts(message: object): void {
  const {
    epoch,
    senderId,
    clientMessageId,
    messages = [],
  } = message as {
    epoch?: string;
    senderId?: string;
    clientMessageId?: string;
    messages?: readonly object[];
  };
  for (const [name, text = ""] of Object.entries({
    epoch,
    sender_id: senderId,
    client_message_id: clientMessageId,
  }))
    if (text.length > MAX_TEXT)
      throw new FloodError(`${name} has ${text.length} characters, and the suite reads at most ${MAX_TEXT}`);
  for (const one of messages) refuseLongTexts(one);
}
