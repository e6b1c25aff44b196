import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type CaseResult,
  CaseResultSchema,
  Outcome,
  type Report,
  ReportSchema,
} from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { EventBody } from "../../history/events.js";
import { summarize } from "../../run/summarize.js";
import { REPORT_FORMAT } from "../../version.js";

/** An event of a made-up history. */
export function event(op: bigint, client: string, body: EventBody, endpoint = 0): Event {
  return create(EventSchema, { op, client, body, endpoint, atMicros: op * 1000n });
}

/** A Sync of bob and its response, in which all messages count as acked. */
export function syncWithResponse(
  op: bigint,
  client: string,
  cliSeq: number,
  epoch = "epoch-1",
): [call: Event, response: Event] {
  return [
    event(op, client, {
      case: "syncCall",
      value: { $typeName: "seqsync.conformance.v1.SyncCall", userId: "user-bob", cliSeq, epoch, pageSize: 0 },
    }),
    event(op, "", {
      case: "syncReturn",
      value: {
        $typeName: "seqsync.conformance.v1.SyncReturn",
        epoch,
        svrSeq: 5,
        ackedSeq: 5,
        nextCliSeq: 5,
        messages: [],
      },
    }),
  ];
}

/** A text as a payload. */
export const bytes = (text: string) => new TextEncoder().encode(text);

/** A Send from alice to bob without a response. */
export function sendWithoutResponse(
  op: bigint,
  payload: Uint8Array,
  size = payload.length,
): [call: Event, response: Event] {
  return [
    event(op, "alice", {
      case: "sendCall",
      value: {
        $typeName: "seqsync.conformance.v1.SendCall",
        senderId: "user-alice",
        recipientId: "user-bob",
        clientMessageId: "id-1",
        payload: {
          $typeName: "seqsync.conformance.v1.PayloadFingerprint",
          size,
          head: payload,
          sha256: new Uint8Array(),
        },
      },
    }),
    event(op, "", {
      case: "noResponse",
      value: { $typeName: "seqsync.conformance.v1.NoResponse", why: "connection closed" },
    }),
  ];
}

/** A failed case, with a finding for each requirement. */
export function failedCase(
  id: string,
  requirements: readonly string[],
  history: readonly Event[] = [],
  details: { message?: string; expected?: string; actual?: string; evidence?: readonly Event[] } = {},
): CaseResult {
  const {
    message = "a Sync acked messages that were only delivered",
    expected = "acked_seq 0",
    actual = "acked_seq 5",
  } = details;
  return create(CaseResultSchema, {
    id,
    title: `the title of ${id}`,
    requirements: [...requirements.slice(0, 1)],
    profile: "CORE",
    outcome: Outcome.FAIL,
    findings: requirements.map((requirement) => ({
      requirement,
      message,
      expected,
      actual,
      evidence: [...(details.evidence ?? history)],
    })),
    history: [...history],
    duration: durationFromMs(1250),
    reproduce: `npx seqsync check http://127.0.0.1:8080 --only ${id} --seed 7`,
  });
}

/** A case without findings. */
export function caseWith(id: string, outcome: Outcome, reason = ""): CaseResult {
  return create(CaseResultSchema, {
    id,
    title: `the title of ${id}`,
    requirements: ["SYNC-BASE"],
    profile: "CORE",
    outcome,
    reason,
    duration: durationFromMs(3),
  });
}

/** A summarized report of these cases. */
export function reportOf(cases: readonly CaseResult[], fields: Partial<Report> = {}): Report {
  const report = create(ReportSchema, {
    format: REPORT_FORMAT,
    suiteVersion: "0.0.0",
    specVersion: "1.0",
    implementation: "a server",
    profiles: ["CORE", "JSON"],
    targets: ["http://127.0.0.1:8080"],
    accounts: "fixture service",
    seed: 7,
    startedAt: timestampFromDate(new Date("2025-01-02T03:04:05.678Z")),
    duration: durationFromMs(4200),
    cases: [...cases],
  });
  Object.assign(report, fields);
  summarize(report);
  return report;
}

/** A string of a hostile server: it tries to break out of each format, and to act on a terminal. */
export const HOSTILE =
  "</script><img src=x onerror=alert(1)> ]]> & \" ' ` ``` {{y}} # ; | * _ \\ \u0000\u0007\u001b[31m\u009b\u202egnol\u2028\ufffe \ud800 😀\r\n  ...\nok 99 - forged\n# heading";

/** A report with every outcome, and hostile text in each string that may come from a server. */
export function hostileReport(): Report {
  const history = [
    ...syncWithResponse(1n, "bob's phone", 0, HOSTILE),
    ...sendWithoutResponse(2n, bytes(HOSTILE.slice(0, 20))),
  ];
  const text = { message: HOSTILE, expected: HOSTILE, actual: `${HOSTILE}!` };
  return reportOf(
    [
      failedCase("ack/hostile", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"], history, text),
      failedCase(`ack/${HOSTILE}`, ["NO-SUCH-REQUIREMENT"], [], text),
      { ...failedCase("watch/hostile", ["WATCH-SOON"], history, text), outcome: Outcome.WARN },
      caseWith("ack/passes", Outcome.PASS),
      caseWith("ack/inconclusive", Outcome.INCONCLUSIVE, HOSTILE),
      caseWith("ack/error", Outcome.ERROR, HOSTILE),
      caseWith("durable/other", Outcome.NOT_APPLICABLE, HOSTILE),
    ],
    { implementation: HOSTILE, specVersion: HOSTILE, targets: ["http://127.0.0.1:8080/a'b"], accounts: HOSTILE },
  );
}
