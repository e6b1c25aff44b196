import type { PayloadFingerprint } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";

/** Maximum length of a payload that is shown as text or in hexadecimal, in bytes. */
const MAX_SHOWN = 16;

/** A payload by its length, and its content if it is short: text in quotes, other bytes in hexadecimal. */
export function payloadText(payload: PayloadFingerprint | undefined): string {
  const { size = 0, head = new Uint8Array() } = payload ?? {};
  if (size === 0 || size > MAX_SHOWN || head.length !== size) return `${size} B`;
  const text = Buffer.from(head).toString("latin1");
  return /^[ -~]*$/.test(text) ? `${size} B "${text}"` : `${size} B ${Buffer.from(head).toString("hex")}`;
}

/** Two payloads of which at least the hashes differ, so that the difference shows. */
export function payloadDifference(
  expected: PayloadFingerprint | undefined,
  actual: PayloadFingerprint | undefined,
): [expected: string, actual: string] {
  const texts: [string, string] = [payloadText(expected), payloadText(actual)];
  if (texts[0] !== texts[1]) return texts;
  const [a, b] = [bytesOf(expected), bytesOf(actual)];
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at < 0)
    return [
      `${texts[0]} as they were sent`,
      `${texts[1]} with other content after byte ${Math.min(a.length, b.length)}`,
    ];
  const part = (bytes: Uint8Array) => Buffer.from(bytes.subarray(at, at + 8)).toString("hex");
  return [`${texts[0]}, byte ${at + 1} on: ${part(a)}`, `${texts[1]}, byte ${at + 1} on: ${part(b)}`];
}

const bytesOf = (payload: PayloadFingerprint | undefined) => payload?.head ?? new Uint8Array();
