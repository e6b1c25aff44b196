import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { SendRequestSchema, SeqSyncService, SyncRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { singleQuoted } from "../../shell.js";

/** The environment variable that holds the token: commands never contain one. */
export const TOKEN_VARIABLE = "SEQSYNC_TOKEN";

/** The URLs of the server, and its profiles. */
export type Target = Pick<Report, "targets" | "profiles">;

/** A command that repeats a call. */
export interface CurlCommand {
  /** The client and the account whose token the call needs, such as "bob's phone, account user-1". */
  caller: string;
  command: string;
}

/** Maximum number of commands: those of the last calls. */
const MAX_COMMANDS = 8;

/** Commands for the unary calls among the events, without duplicates. */
export function curlCommands(events: readonly Event[], target: Target): CurlCommand[] {
  const commands = new Map<string, string>();
  for (const event of events) {
    const command = curlOf(event, target);
    if (command !== undefined) commands.set(command, `${event.client}, account ${accountOf(event)}`);
  }
  return [...commands].slice(-MAX_COMMANDS).map(([command, caller]) => ({ caller, command }));
}

/**
 * A `curl` command that repeats a unary call, with the token as $SEQSYNC_TOKEN: in JSON if the server declares it,
 * otherwise in the binary codec. Undefined if the event is not a unary call, or if its payload was too long to be
 * recorded in full.
 */
function curlOf(event: Event, { targets, profiles }: Target): string | undefined {
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
  if (json) return `${head} -d ${singleQuoted(call.json())} ${singleQuoted(url)}`;
  // The printf of every shell knows octal escapes; curl cannot take binary data from the command line.
  const octal = [...call.binary()].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `printf '${octal}' | ${head} --data-binary @- ${singleQuoted(url)}`;
}

/** The user id of the account that makes a unary call. */
function accountOf({ body }: Event): string | undefined {
  if (body.case === "sendCall") return body.value.senderId;
  return body.case === "syncCall" ? body.value.userId : undefined;
}

interface Call {
  method: "Send" | "Sync";
  json(): string;
  binary(): Uint8Array;
}

function callOf({ body }: Event): Call | undefined {
  if (body.case === "syncCall") {
    const { cliSeq, epoch, pageSize } = body.value;
    const request = create(SyncRequestSchema, { cliSeq, epoch, pageSize });
    return {
      method: "Sync",
      json: () => toJsonString(SyncRequestSchema, request),
      binary: () => toBinary(SyncRequestSchema, request),
    };
  }
  if (body.case !== "sendCall") return undefined;
  const { recipientId, clientMessageId, payload } = body.value;
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
