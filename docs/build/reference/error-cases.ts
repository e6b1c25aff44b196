/** Links each error that the schema names to the case that checks it. */
import { CATALOGUE } from "../../../conformance/cases/catalogue.js";
import { caseAnchor } from "../anchors.js";

/** The case for an error of an RPC, or else the case for the reason. */
const CASES: Record<string, string> = {
  "Send CREDENTIAL_INVALID": "errors/send-without-credential",
  "Sync CREDENTIAL_INVALID": "errors/sync-without-credential",
  "Watch CREDENTIAL_INVALID": "auth/watch-needs-a-credential",
  CREDENTIAL_INVALID: "auth/unknown-token",
  MALFORMED: "http/malformed-has-its-reason",
  CLIENT_MESSAGE_ID_INVALID: "send/id-too-long-or-empty",
  PAYLOAD_TOO_LARGE: "errors/payload-too-large",
  RECIPIENT_UNKNOWN: "errors/recipient-unknown",
  CLIENT_MESSAGE_ID_REUSED: "errors/id-reused",
  SEQ_EXHAUSTED: "errors/seq-exhausted",
  BACKLOG_FULL: "send/full-inbox",
  EPOCH_MISMATCH: "errors/epoch-mismatch",
  CLI_SEQ_AHEAD: "errors/cli-seq-ahead",
};

/** Adds links to the cases that check an error, to the comment of an RPC or of a value of Reason. */
export function linkedErrors(text: string, of: string): string {
  const reason = /^REASON_(\w+)$/.exec(of)?.[1];
  if (reason !== undefined) return CASES[reason] === undefined ? text : `${text} ${link(CASES[reason])}`;
  return text.replace(/^- `\w+` ([A-Z_]+): .+$/gm, (line, name: string) => {
    const id = CASES[`${of} ${name}`] ?? CASES[name];
    if (id === undefined) throw new Error(`no case for ${name} of ${of}`);
    return `${line} ${link(id)}`;
  });
}

function link(id: string): string {
  if (!CATALOGUE.some((it) => it.id === id)) throw new Error(`there is no case ${id}`);
  return `Case [${id}](cases.md#${caseAnchor(id)}).`;
}
