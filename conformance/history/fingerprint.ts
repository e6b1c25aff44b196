import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type PayloadFingerprint,
  PayloadFingerprintSchema,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";

/** Longest payload that is kept whole, in bytes. */
const MAX_WHOLE_BYTES = 64;
/** Length of the head of a longer payload, in bytes. */
const HEAD_BYTES = 32;

/** Shortens a payload to a fingerprint that identifies it, so that histories stay small. */
export function fingerprintOf(payload: Uint8Array): PayloadFingerprint {
  const size = payload.length;
  if (size <= MAX_WHOLE_BYTES) return create(PayloadFingerprintSchema, { size, head: Uint8Array.from(payload) });
  const sha256 = createHash("sha256").update(payload).digest();
  // A copy: the payload may be a part of a large body, which it would keep in memory.
  return create(PayloadFingerprintSchema, { size, head: Uint8Array.from(payload.subarray(0, HEAD_BYTES)), sha256 });
}

/** Returns a key that is equal exactly for equal payloads; empty without a fingerprint. */
export function fingerprintKey(fingerprint: PayloadFingerprint | undefined): string {
  if (fingerprint === undefined) return "";
  return Buffer.from(fingerprint.sha256.length > 0 ? fingerprint.sha256 : fingerprint.head).toString("latin1");
}
