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
import type { EventBody } from "../../history/recorder.js";
import { summarize } from "../../run/summarize.js";
import { REPORT_FORMAT } from "../../version.js";

/** An event of a history that a test makes up. */
export function event(op: bigint, client: string, what: EventBody, endpoint = 0): Event {
  return create(EventSchema, { op, client, body: what, endpoint, atMicros: op * 1000n });
}

/** bob syncs, and gets an answer in which what is pending counts as acked. */
export function syncs(op: bigint, client: string, cliSeq: number, epoch = "epoch-1"): [call: Event, answer: Event] {
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

/** A payload. */
export const bytes = (text: string) => new TextEncoder().encode(text);

/** alice sends to bob, and the answer is lost. */
export function sendLost(op: bigint, payload: Uint8Array, size = payload.length): [call: Event, answer: Event] {
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

/** A case that failed: each finding is a requirement with what was expected and found. */
export function failed(
  id: string,
  requirements: readonly string[],
  history: readonly Event[] = [],
  details: { message?: string; expected?: string; actual?: string; evidence?: readonly Event[] } = {},
): CaseResult {
  const {
    message = "what was only answered counts as acked",
    expected = "acked_seq 0",
    actual = "acked_seq 5",
  } = details;
  return create(CaseResultSchema, {
    id,
    title: `does what ${id} does`,
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
    reproduce: `seqsync check http://127.0.0.1:8080 --only ${id} --seed 7`,
  });
}

/** A case that ended in another way. */
export function ended(id: string, outcome: Outcome, reason = ""): CaseResult {
  return create(CaseResultSchema, {
    id,
    title: `does what ${id} does`,
    requirements: ["SYNC-BASE"],
    profile: "CORE",
    outcome,
    reason,
    duration: durationFromMs(3),
  });
}

/** A report of these cases, with all that follows from them. */
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

/** What a server could put into its strings to break out of a format, or to act on a terminal. */
export const HOSTILE =
  "</script><img src=x onerror=alert(1)> ]]> & \" ' ` ``` {{y}} # ; | * _ \\ \u0000\u0007\u001b[31m\u009b\u202egnol\u2028\ufffe \ud800 😀\r\n  ...\nok 99 - forged\n# heading";

/** Every outcome, and hostile text in each string that may come from a server. */
export function hostileReport(): Report {
  const history = [...syncs(1n, "bob's phone", 0, HOSTILE), ...sendLost(2n, bytes(HOSTILE.slice(0, 20)))];
  const text = { message: HOSTILE, expected: HOSTILE, actual: `${HOSTILE}!` };
  return reportOf(
    [
      failed("ack/hostile", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"], history, text),
      failed(`ack/${HOSTILE}`, ["NO-SUCH-REQUIREMENT"], [], text),
      { ...failed("watch/hostile", ["WATCH-SOON"], history, text), outcome: Outcome.WARN },
      ended("ack/passes", Outcome.PASS),
      ended("ack/open", Outcome.INCONCLUSIVE, HOSTILE),
      ended("ack/gone-wrong", Outcome.ERROR, HOSTILE),
      ended("durable/other", Outcome.NOT_APPLICABLE, HOSTILE),
    ],
    { implementation: HOSTILE, specVersion: HOSTILE, targets: ["http://127.0.0.1:8080/a'b"], accounts: HOSTILE },
  );
}
