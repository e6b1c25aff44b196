import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type PayloadPrint, PayloadPrintSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";

const WHOLE = 64;
const HEAD = 32;

/** Shortens a payload to what tells it from any other, so that histories stay small. */
export function printOf(payload: Uint8Array): PayloadPrint {
  const size = payload.length;
  if (size <= WHOLE) return create(PayloadPrintSchema, { size, head: payload.slice() });
  const sha256 = createHash("sha256").update(payload).digest();
  return create(PayloadPrintSchema, { size, head: payload.slice(0, HEAD), sha256 });
}

/** A print as a key: equal exactly for equal payloads. */
export function printKey(print: PayloadPrint | undefined): string {
  if (print === undefined) return "";
  return Buffer.from(print.sha256.length > 0 ? print.sha256 : print.head).toString("latin1");
}
