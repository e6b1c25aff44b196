import { deviceName, nameOf } from "./names.js";
import type { NetworkFault, Operation, Step, WrongCall } from "./program.js";

/** Describes a step of a program in one line. */
export function describeStep({ operation, fault, begins, look }: Step): string {
  const when = begins === "after" ? "" : begins === "together" ? "at the same time, " : "at the same time, in turn, ";
  return `${when}${describeOperation(operation)}${fault === "none" || !("from" in operation || operation.kind === "sync") ? "" : `; ${FAULTS[fault]}`}${look === 0 ? "" : " (varied)"}`;
}

function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case "send":
      return `${nameOf(operation.from)} sends ${MESSAGES[operation.id]} to ${nameOf(operation.to)}${["repeat", "first", "others"].includes(operation.id) ? "" : `, ${operation.size} B`}${inCodec(operation)}`;
    case "burst":
      return `${nameOf(operation.from)} sends ${operation.count} messages to ${nameOf(operation.to)} at once, ${operation.size} B each${inCodec(operation)}`;
    case "sync": {
      const { account, device, cursor, epoch, pageSize, store } = operation;
      const size = pageSize === 0 ? "a page" : `a page of up to ${pageSize}`;
      return `${deviceName(account, device)} fetches ${size} with ${CURSORS[cursor]}${EPOCHS[epoch]}${store ? "" : ", and does not store it"}${inCodec(operation)}`;
    }
    case "watch":
      return `${nameOf(operation.account)} opens a Watch${inCodec(operation)}`;
    case "close-watch":
      return `${nameOf(operation.account)} closes the ${operation.which} Watch`;
    case "wrong":
      return `${nameOf(operation.account)}: ${WRONG[operation.call]}, which the server must refuse${inCodec(operation)}`;
    case "info":
      return `somebody asks for the server's info${inCodec(operation)}`;
    case "idle":
      return `nothing happens for ${operation.ms} ms`;
    case "rotate":
      return `${nameOf(operation.account)}'s inbox loses its data`;
    case "revoke":
      return `${nameOf(operation.account)}'s token is revoked`;
    case "restart":
      return "the server is killed and started again";
  }
}

const inCodec = ({ codec }: { codec: "proto" | "json" }) => (codec === "json" ? ", in JSON" : "");

const MESSAGES = {
  new: "a new message",
  repeat: "the last message again",
  first: "the first message again",
  reuse: "another message with the last id",
  others: "another sender's message",
  refused: "a message with the last refused id",
} as const;

const CURSORS = {
  own: "its cli_seq",
  stale: "the cli_seq before its last page",
  zero: "cli_seq 0",
  other: "another device's cli_seq",
  ahead: "a cli_seq above svr_seq",
} as const;

const EPOCHS = { own: "", none: " and no epoch", wrong: " and a wrong epoch" } as const;

const WRONG: Readonly<Record<WrongCall, string>> = {
  "sync-with-unknown-token": "a Sync with an unknown token",
  "send-with-unknown-token": "a Send with an unknown token",
  "send-to-unknown-recipient": "a Send to an unknown recipient",
  "send-too-large": "a Send with too large a payload",
  "malformed-sync": "a Sync with a cut body",
  "malformed-send": "a Send with a cut body",
};

const FAULTS: Readonly<Record<NetworkFault, string>> = {
  "drop-request": "the request is lost",
  "delay-request": "the request arrives late",
  "abort-request": "the connection closes during the call",
  "drop-response": "the response is lost",
  "reset-after-head": "the response is cut after its headers",
  "truncate-response": "the response is cut in its body",
  "duplicate-request": "the request arrives twice",
  "slow-request": "the request is slow",
};
