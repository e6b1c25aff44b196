/**
 * Which violations explain others. One mistake of a server can violate several requirements; a report shows the one
 * first that explains the others.
 */
import type { RequirementId } from "./requirements.js";

type Relation = Readonly<Partial<Record<RequirementId, readonly RequirementId[]>>>;

/**
 * Requirements that demand, in a special situation, what other requirements demand in general. A server that fails only
 * in the special situation also seems to violate the general requirements there. So the special one is the better
 * explanation as long as the general ones hold elsewhere.
 */
export const SPECIAL_CASE_OF: Relation = {
  // A special form of a request is not understood: it is refused, or understood as something else.
  "HTTP-BINARY": ["SYNC-ANSWER", "SEND-ACCEPT", "ACK-REDELIVER", "HTTP-MALFORMED"],
  "HTTP-MALFORMED": ["SEND-BYTES"],
  "HTTP-UNKNOWN-FIELDS": ["HTTP-BODY-ROOM", "HTTP-BODY-LIMIT", "AUTH-CREDENTIAL-ONLY"],
  "HTTP-JSON": ["HTTP-TYPE-PARAMETERS", "HTTP-JSON-UNKNOWN"],
  "HTTP-STREAM": ["WATCH-FIRST"],
  // An error is not as it must be, whatever it is about.
  "ERR-SHAPE": ["HTTP-ANSWER-TYPE"],
  "ERR-REASON": ["SEND-ID-REUSED"],
  "ERR-ORDER": ["EPOCH-MISMATCH"],
  "AUTH-WATCH": ["ERR-ORDER", "AUTH-SCHEME", "AUTH-TOKEN-SIZE"],
  "AUTH-ISOLATION": ["ACK-REDELIVER"],
  // Numbers above 2^31, the last number, and many calls at once.
  "SEQ-UNSIGNED": ["SEND-ACCEPT", "SYNC-BASE", "ACK-IMPLICIT", "PAGE-PROGRESS", "HTTP-JSON-NUMBERS"],
  "SEQ-EXHAUSTED-SYNC": ["SYNC-ANSWER", "PAGE-PROGRESS"],
  "SEQ-PARALLEL": ["SEND-VISIBLE", "WATCH-WAKE"],
  "SEQ-CONTIGUOUS": ["SYNC-RANGE", "PAGE-PROGRESS"],
  // A Send with special contents, to a special recipient, or with an id that was used before.
  "SEND-BYTES": ["SEND-VISIBLE", "SEND-RETRY", "SEND-SIZES", "SEND-ACCEPTED-AT"],
  "SEND-SIZES": ["SEND-ACCEPT"],
  "SEND-RECIPIENT": ["SEND-ACCEPT", "SEQ-CONSECUTIVE", "AUTH-ISOLATION"],
  "SEND-SELF": ["SEND-ACCEPT"],
  "SEND-BACKLOG": ["ACK-REDELIVER"],
  "SEND-RETRY-LATER": ["SEND-RETRY", "SEND-RETRY-FIRST"],
  "SEND-ID-SCOPE": ["SEND-VISIBLE", "SEND-ID-REUSED", "SEND-RETRY-CONCURRENT"],
  "SEND-ID-FREE": ["SEND-VISIBLE"],
  // A Sync, an ack or a page in a special situation.
  "SYNC-RANGE": ["SYNC-NEXT"],
  "SYNC-LINEARIZABLE": ["SEND-VISIBLE", "SEQ-MONOTONE"],
  "ACK-FAILED": ["ACK-NOT-ON-ANSWER"],
  "ACK-UNFETCHED": ["SYNC-BASE", "SYNC-ANSWER", "ACK-NOT-ON-ANSWER", "ACK-REDELIVER"],
  "PAGE-UNION": ["PAGE-PROGRESS", "SEQ-MONOTONE"],
  "PAGE-ARRIVALS": ["ACK-REDELIVER"],
  "PAGE-NO-TRAFFIC": ["PAGE-PROGRESS"],
  "PAGE-REPEAT": ["PAGE-PROGRESS", "SYNC-RANGE"],
  "DEV-SHARED-ACK": ["ACK-NO-REDELIVERY"],
  "DEV-TOGETHER": ["PAGE-PROGRESS"],
  "DEV-LAGGING": ["SYNC-ANSWER", "SYNC-NEXT", "ACK-NO-REDELIVERY", "PAGE-PROGRESS"],
  "EPOCH-RESTART": ["SEND-VISIBLE", "SEQ-CONSECUTIVE", "ACK-REDELIVER"],
  // What a Watch does or shows.
  "WATCH-NO-ACK": ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER"],
  "WATCH-SYNC": ["WATCH-PRIVATE"],
  "WATCH-EPOCH": ["WATCH-MONOTONE"],
  "WATCH-PRIVATE": ["EPOCH-STABLE"],
  "WATCH-END": ["AUTH-REVOKED-WATCH"],
};

/**
 * Requirements on which others rest: a server that violates one of them can meet the others nowhere, or only by chance.
 * So it is the better explanation even if the others hold in no case.
 */
export const CAUSE_OF: Relation = {
  "HTTP-VERSION-HEADER": ["ERR-SHAPE", "WATCH-FIRST"],
  "AUTH-CREDENTIAL-ONLY": ["AUTH-ISOLATION"],
  "INFO-LIMITS": ["SEND-PAYLOAD-LIMIT", "ERR-ORDER"],
  "SEQ-START": ["SEQ-CONSECUTIVE"],
  "SEQ-INDEPENDENT": ["SEQ-START", "SEQ-CONSECUTIVE"],
  "SEQ-MONOTONE": ["ACK-AHEAD"],
  "SYNC-BASE": ["SYNC-RANGE", "SYNC-NEXT", "ACK-NO-REDELIVERY"],
  "ACK-IMPLICIT": ["SYNC-BASE", "ACK-NO-REDELIVERY"],
  "ACK-MONOTONE": ["ACK-NO-REDELIVERY"],
  "PAGE-DEFAULT": ["PAGE-PROGRESS"],
  "EPOCH-STABLE": ["EPOCH-MISMATCH"],
};
