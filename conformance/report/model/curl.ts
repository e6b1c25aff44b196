import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { SendRequestSchema, SeqSyncService, SyncRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";

/** The environment variable that a command takes its credential from: it never stands in the command itself. */
export const TOKEN_VARIABLE = "SEQSYNC_TOKEN";

/** What a command needs to know of the run. */
export type Target = Pick<Report, "targets" | "profiles">;

/**
 * A `curl` command line that makes a unary call again, with the token as $SEQSYNC_TOKEN. JSON where the server speaks it, else
 * the binary codec. Undefined for what is no unary call, and for a Send whose payload was too long to be recorded whole.
 */
export function curlOf(event: Event, { targets, profiles }: Target): string | undefined {
  const call = callOf(event);
  const base = targets[event.endpoint] ?? targets[0];
  if (call === undefined || base === undefined) return undefined;
  const json = profiles.includes("JSON");
  const url = `${base.replace(/\/$/, "")}/${SeqSyncService.typeName}/${call.method}`;
  const head = [
    "curl -sS -i",
    `-H "Authorization: Bearer $${TOKEN_VARIABLE}"`,
    `-H 'Content-Type: application/${json ? "json" : "proto"}'`,
  ].join(" ");
  if (json) return `${head} -d ${quoted(call.json())} ${quoted(url)}`;
  // Every shell's printf knows octal escapes; curl cannot take bytes from its command line.
  const octal = [...call.binary()].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `printf '${octal}' | ${head} --data-binary @- ${quoted(url)}`;
}

/** Whose token the call needs: a user id; undefined if it is no unary call. */
export function callerOf({ body: what }: Event): string | undefined {
  if (what.case === "sendCall") return what.value.senderId;
  return what.case === "syncCall" ? what.value.userId : undefined;
}

interface Call {
  method: "Send" | "Sync";
  json(): string;
  binary(): Uint8Array;
}

function callOf({ body: what }: Event): Call | undefined {
  if (what.case === "syncCall") {
    const { cliSeq, epoch, pageSize } = what.value;
    const request = create(SyncRequestSchema, { cliSeq, epoch, pageSize });
    return {
      method: "Sync",
      json: () => toJsonString(SyncRequestSchema, request),
      binary: () => toBinary(SyncRequestSchema, request),
    };
  }
  if (what.case !== "sendCall") return undefined;
  const { recipientId, clientMessageId, payload } = what.value;
  if (payload !== undefined && payload.head.length !== payload.size) return undefined;
  const request = create(SendRequestSchema, {
    recipientId,
    clientMessageId,
    payload: payload?.head ?? new Uint8Array(),
  });
  return {
    method: "Send",
    json: () => toJsonString(SendRequestSchema, request),
    binary: () => toBinary(SendRequestSchema, request),
  };
}

/** A text as one word of a POSIX shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
