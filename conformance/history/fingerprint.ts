import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type PayloadFingerprint,
  PayloadFingerprintSchema,
} from "../../proto/gen/seqsync/conformance/v1/history_pb.js";

const WHOLE = 64;
const HEAD = 32;

/** Shortens a payload to what tells it from any other, so that histories stay small. */
export function fingerprintOf(payload: Uint8Array): PayloadFingerprint {
  const size = payload.length;
  if (size <= WHOLE) return create(PayloadFingerprintSchema, { size, head: payload.slice() });
  const sha256 = createHash("sha256").update(payload).digest();
  return create(PayloadFingerprintSchema, { size, head: payload.slice(0, HEAD), sha256 });
}

/** A print as a key: equal exactly for equal payloads. */
export function fingerprintKey(print: PayloadFingerprint | undefined): string {
  if (print === undefined) return "";
  return Buffer.from(print.sha256.length > 0 ? print.sha256 : print.head).toString("latin1");
}
