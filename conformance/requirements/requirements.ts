// Generated from docs/spec by `npm run generate`. Do not edit: edit the specification.

/** A requirement of the specification. */
export interface Requirement {
  /** The strongest key word of its sentence. */
  level: "MUST" | "SHOULD" | "MAY";
  /** The profile that it belongs to. */
  profile: "CORE" | "JSON" | "WATCH" | "DURABLE" | "CLIENT";
  /** The exact sentence. */
  sentence: string;
  /** Chapter file and anchor, below `docs/spec/`. */
  anchor: string;
}

/** The id of a requirement. */
export type RequirementId =
  | "HTTP-PATH"
  | "HTTP-NOT-FOUND"
  | "HTTP-METHOD"
  | "HTTP-BINARY"
  | "HTTP-ANSWER-TYPE"
  | "HTTP-TYPE-PARAMETERS"
  | "HTTP-MEDIA-TYPE"
  | "HTTP-VERSION-HEADER"
  | "HTTP-HEADERS"
  | "HTTP-NO-STORE"
  | "HTTP-CHUNKED"
  | "HTTP-CUT-REQUEST"
  | "HTTP-BODY-ROOM"
  | "HTTP-BODY-LIMIT"
  | "HTTP-MALFORMED"
  | "HTTP-MALFORMED-REASON"
  | "HTTP-UNKNOWN-FIELDS"
  | "HTTP-ENCODING"
  | "HTTP-COMPRESSION"
  | "HTTP-JSON"
  | "HTTP-JSON-NUMBERS"
  | "HTTP-JSON-UNKNOWN"
  | "HTTP-JSON-MALFORMED"
  | "HTTP-STREAM"
  | "ERR-SHAPE"
  | "ERR-CODE"
  | "ERR-REASON"
  | "ERR-ORDER"
  | "ERR-UNCHANGED"
  | "ERR-NO-LEAK"
  | "ERR-AGAIN"
  | "AUTH-REQUIRED"
  | "AUTH-WATCH"
  | "AUTH-SCHEME"
  | "AUTH-TOKEN-SIZE"
  | "AUTH-CREDENTIAL-ONLY"
  | "AUTH-SENDER"
  | "AUTH-ISOLATION"
  | "AUTH-REVOKED"
  | "AUTH-REVOKED-WATCH"
  | "INFO-OPEN"
  | "INFO-VERSION"
  | "INFO-CORE"
  | "INFO-LIMITS"
  | "INFO-WINDOW"
  | "INFO-UNDECLARED"
  | "SEQ-START"
  | "SEQ-CONSECUTIVE"
  | "SEQ-PARALLEL"
  | "SEQ-INDEPENDENT"
  | "SEQ-CONTIGUOUS"
  | "SEQ-MONOTONE"
  | "SEQ-IMMUTABLE"
  | "SEQ-UNSIGNED"
  | "SEQ-EXHAUSTED"
  | "SEQ-EXHAUSTED-SYNC"
  | "SEND-ACCEPT"
  | "SEND-VISIBLE"
  | "SEND-BYTES"
  | "SEND-SIZES"
  | "SEND-PAYLOAD-LIMIT"
  | "SEND-ID-LIMIT"
  | "SEND-RECIPIENT"
  | "SEND-SELF"
  | "SEND-ORDER"
  | "SEND-ACCEPTED-AT"
  | "SEND-SEQ-HIDDEN"
  | "SEND-BACKLOG"
  | "SEND-RETRY"
  | "SEND-RETRY-CONCURRENT"
  | "SEND-RETRY-LATER"
  | "SEND-RETRY-FIRST"
  | "SEND-ID-REUSED"
  | "SEND-ID-SCOPE"
  | "SEND-ID-FREE"
  | "SYNC-ANSWER"
  | "SYNC-BASE"
  | "SYNC-RANGE"
  | "SYNC-NEXT"
  | "SYNC-EMPTY"
  | "SYNC-LINEARIZABLE"
  | "ACK-IMPLICIT"
  | "ACK-NOT-ON-ANSWER"
  | "ACK-FAILED"
  | "ACK-MONOTONE"
  | "ACK-NO-REDELIVERY"
  | "ACK-REDELIVER"
  | "ACK-UNFETCHED"
  | "ACK-AHEAD"
  | "PAGE-CAP"
  | "PAGE-MAX"
  | "PAGE-DEFAULT"
  | "PAGE-PROGRESS"
  | "PAGE-UNION"
  | "PAGE-ARRIVALS"
  | "PAGE-NO-TRAFFIC"
  | "PAGE-REPEAT"
  | "DEV-SHARED-ACK"
  | "DEV-TOGETHER"
  | "DEV-LAGGING"
  | "EPOCH-PRESENT"
  | "EPOCH-STABLE"
  | "EPOCH-MISMATCH"
  | "EPOCH-UNCHECKED"
  | "EPOCH-RENEWED"
  | "EPOCH-RESTART"
  | "WATCH-FIRST"
  | "WATCH-WAKE"
  | "WATCH-WAKE-SOON"
  | "WATCH-MONOTONE"
  | "WATCH-NO-ACK"
  | "WATCH-SYNC"
  | "WATCH-ALL"
  | "WATCH-PRIVATE"
  | "WATCH-HEARTBEAT"
  | "WATCH-END"
  | "WATCH-STALLED"
  | "WATCH-EPOCH"
  | "DUR-KEEP"
  | "DUR-NEW-EPOCH"
  | "CLI-STORE-FIRST"
  | "CLI-RETRY-SAME"
  | "CLI-ADOPT-NEXT"
  | "CLI-NOT-FROM-WATCH"
  | "CLI-EPOCH-RESET"
  | "CLI-CLOSING-SYNC"
  | "CLI-POLL"
  | "CLI-SEND-RETRY"
  | "CLI-BACKOFF";

/** All requirements by id, in the specification's order. */
export const REQUIREMENTS: Readonly<Record<RequirementId, Requirement>> = {
  "HTTP-PATH": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST serve each RPC that it has at `POST <base>/seqsync.v1.SeqSyncService/<Method>`, over HTTP/1.1 at least.",
    anchor: "http.md#http-path",
  },
  "HTTP-NOT-FOUND": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST respond with HTTP status 404 to a POST to a path that begins with `<base>/seqsync.v1.` and names no RPC of this specification, and MUST NOT change any state.",
    anchor: "http.md#http-not-found",
  },
  "HTTP-METHOD": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST respond with HTTP status 405 to GET, HEAD, PUT, PATCH and DELETE on the path of an RPC that it has, and MUST NOT carry out a call by any method but POST.",
    anchor: "http.md#http-method",
  },
  "HTTP-BINARY": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST accept a unary request whose content type is `application/proto` and whose body is exactly the binary encoding of the request message, and MUST respond to it, if it succeeds, with HTTP status 200 and the binary encoding of the response message.",
    anchor: "http.md#http-binary",
  },
  "HTTP-ANSWER-TYPE": {
    level: "MUST",
    profile: "CORE",
    sentence: "The media type of a successful response MUST be that of its request.",
    anchor: "http.md#http-answer-type",
  },
  "HTTP-TYPE-PARAMETERS": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST compare media types without regard to case, and with the JSON profile MUST treat `application/json; charset=utf-8` as `application/json`.",
    anchor: "http.md#http-type-parameters",
  },
  "HTTP-MEDIA-TYPE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST respond with HTTP status 415 to a POST to the path of an RPC that it has, if the `Content-Type` is missing or none that the table of this chapter gives for this RPC, and MUST NOT carry it out; the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.",
    anchor: "http.md#http-media-type",
  },
  "HTTP-VERSION-HEADER": {
    level: "MUST",
    profile: "CORE",
    sentence: "A server MUST NOT require the header `Connect-Protocol-Version`.",
    anchor: "http.md#http-version-header",
  },
  "HTTP-HEADERS": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST compare header names without regard to case, MUST accept headers in any order, and MUST ignore headers that say something about the client, its user or the page that it shows, such as `User-Agent`, `Accept`, `Cookie`, `Origin` and `traceparent`.",
    anchor: "http.md#http-headers",
  },
  "HTTP-NO-STORE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Every successful response and every Connect error to a POST of Send or Sync MUST carry the header `Cache-Control` with the directive `no-store`.",
    anchor: "http.md#http-no-store",
  },
  "HTTP-CHUNKED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST accept, over HTTP/1.1, a body sent with `Transfer-Encoding: chunked` like the same body sent with `Content-Length`.",
    anchor: "http.md#http-chunked",
  },
  "HTTP-CUT-REQUEST": {
    level: "MUST",
    profile: "CORE",
    sentence: "A request whose body ends before its declared length, or before its last chunk, MUST have no effect.",
    anchor: "http.md#http-cut-request",
  },
  "HTTP-BODY-ROOM": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST NOT refuse a request because of the length of its body if the length is at most 65,536 bytes, or, for Send, at most 65,536 bytes more than four thirds of `max_payload_bytes`, in any codec that it declares.",
    anchor: "http.md#http-body-room",
  },
  "HTTP-BODY-LIMIT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST have a bound on the body of a request, of at most 16 MiB more than twice `max_payload_bytes`, and MUST refuse a longer one, without carrying it out, with the code `invalid_argument` or with HTTP status 413.",
    anchor: "http.md#http-body-limit",
  },
  "HTTP-MALFORMED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST refuse with `invalid_argument` a binary body that does not decode because it ends within a field, has a tag with field number 0 or wire type 6 or 7, has a tag, a length or a known field whose varint is longer than ten bytes, or has a known string field that is not UTF-8.",
    anchor: "http.md#http-malformed",
  },
  "HTTP-MALFORMED-REASON": {
    level: "SHOULD",
    profile: "CORE",
    sentence: "A refusal of a body that does not decode SHOULD carry the reason MALFORMED.",
    anchor: "http.md#http-malformed-reason",
  },
  "HTTP-UNKNOWN-FIELDS": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST ignore well-formed fields of the binary encoding that it does not know, of wire types 0, 1, 2 and 5.",
    anchor: "http.md#http-unknown-fields",
  },
  "HTTP-ENCODING": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A unary request with a `Content-Encoding`, or a Watch with a `Connect-Content-Encoding`, that the server does not know MUST be refused with `unimplemented`, and MUST NOT be carried out.",
    anchor: "http.md#http-encoding",
  },
  "HTTP-COMPRESSION": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A response MUST NOT be compressed in a way that the request did not offer, by `Accept-Encoding` in a unary call and by `Connect-Accept-Encoding` in a stream.",
    anchor: "http.md#http-compression",
  },
  "HTTP-JSON": {
    level: "MUST",
    profile: "JSON",
    sentence:
      "A server MUST serve each unary RPC that it has with `application/json`, and Watch, if it has it, with `application/connect+json`, in the canonical protobuf JSON mapping, and MUST accept member names in lowerCamelCase as well as in the form of the proto file.",
    anchor: "http.md#http-json",
  },
  "HTTP-JSON-NUMBERS": {
    level: "MUST",
    profile: "JSON",
    sentence:
      "In JSON a server MUST write every `uint32` as a number, and MUST accept a `uint32` as a number and as a decimal string, over the whole range 0 to 4294967295.",
    anchor: "http.md#http-json-numbers",
  },
  "HTTP-JSON-UNKNOWN": {
    level: "MUST",
    profile: "JSON",
    sentence: "A server MUST ignore JSON members that it does not know.",
    anchor: "http.md#http-json-unknown",
  },
  "HTTP-JSON-MALFORMED": {
    level: "MUST",
    profile: "JSON",
    sentence:
      "A server MUST refuse with `invalid_argument` a JSON body that is not exactly one JSON object in UTF-8, or in which a known member has a value of the wrong type, a number out of range, or a string that is not base64 where base64 is expected.",
    anchor: "http.md#http-json-malformed",
  },
  "HTTP-STREAM": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "The response to a Watch whose request has one of the stream content types MUST have HTTP status 200, the media type of the request and a body of envelopes, of which the last one, and no other, has the flag 0x02 and holds a JSON object, with the member `error` if and only if the call failed; this holds for refusals too.",
    anchor: "http.md#http-stream",
  },
  "ERR-SHAPE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A refusal of a unary call, other than the plain HTTP responses of the HTTP binding, MUST have the content type `application/json`, a body that is one JSON object with the member `code` holding a Connect code, and the HTTP status that belongs to that code.",
    anchor: "errors.md#err-shape",
  },
  "ERR-CODE": {
    level: "MUST",
    profile: "CORE",
    sentence: "A refusal for one of the reasons of the table MUST have the code that the table gives.",
    anchor: "errors.md#err-code",
  },
  "ERR-REASON": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A refusal for one of the reasons of the table, except MALFORMED, MUST carry in `details` exactly one `seqsync.v1.ErrorDetail`, and its `reason` MUST be the reason of the refusal.",
    anchor: "errors.md#err-reason",
  },
  "ERR-ORDER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "If several refusals apply to one call, a server MUST give a refusal of the first kind in this order that applies: the credential; the decoding of the body; the bounds of `client_message_id` and `payload`; `epoch`; all others.",
    anchor: "errors.md#err-order",
  },
  "ERR-UNCHANGED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and the `client_message_id` of a refused Send stays as free or as used as it was.",
    anchor: "errors.md#err-unchanged",
  },
  "ERR-NO-LEAK": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "An error MUST NOT hold a credential, nor any message content, message id, user id, seq or epoch of an account other than the caller's, except what the caller itself has sent in the same call.",
    anchor: "errors.md#err-no-leak",
  },
  "ERR-AGAIN": {
    level: "MAY",
    profile: "CORE",
    sentence:
      "A server MAY respond to any call with `unavailable`, with `deadline_exceeded`, or with `resource_exhausted` without a reason, and the outcome of the call is then indeterminate.",
    anchor: "errors.md#err-again",
  },
  "AUTH-REQUIRED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Send or Sync without a credential, or with one that the server does not know, MUST be refused with `unauthenticated` and the reason CREDENTIAL_INVALID.",
    anchor: "auth.md#auth-required",
  },
  "AUTH-WATCH": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "A Watch without a credential, or with one that the server does not know, MUST be refused, in the end-of-stream message and before any frame, with `unauthenticated` and the reason CREDENTIAL_INVALID.",
    anchor: "auth.md#auth-watch",
  },
  "AUTH-SCHEME": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST take the credential from the header `Authorization: Bearer <token>`, with the word `Bearer` in any mixture of cases, and MUST NOT accept a token that comes with another scheme or without a scheme.",
    anchor: "auth.md#auth-scheme",
  },
  "AUTH-TOKEN-SIZE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST treat a token of up to 4096 bytes like any other, and MUST refuse a call with a longer one with `unauthenticated` or with HTTP status 400 or 431.",
    anchor: "auth.md#auth-token-size",
  },
  "AUTH-CREDENTIAL-ONLY": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "The account for which Send, Sync and Watch act MUST be the account of the credential, whatever else the request holds.",
    anchor: "auth.md#auth-credential-only",
  },
  "AUTH-SENDER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "`sender_id` of a delivered message MUST be the user id of the account whose credential was used to send it.",
    anchor: "auth.md#auth-sender",
  },
  "AUTH-ISOLATION": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT change any inbox but the caller's.",
    anchor: "auth.md#auth-isolation",
  },
  "AUTH-REVOKED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A credential that was revoked MUST be refused in every call that begins after the revocation took effect, and all other credentials, of this account and of others, MUST stay as they were.",
    anchor: "auth.md#auth-revoked",
  },
  "AUTH-REVOKED-WATCH": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "A Watch that was opened with a credential that is then revoked MUST end within 5 seconds, with an end-of-stream message that holds `unauthenticated` and the reason CREDENTIAL_INVALID.",
    anchor: "auth.md#auth-revoked-watch",
  },
  "INFO-OPEN": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server MUST serve `GetServerInfo` without a credential, and MUST NOT refuse it for a credential that it does not know.",
    anchor: "info.md#info-open",
  },
  "INFO-VERSION": {
    level: "MUST",
    profile: "CORE",
    sentence: "`spec_version` MUST be `1.0`.",
    anchor: "info.md#info-version",
  },
  "INFO-CORE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "`profiles` MUST hold `PROFILE_CORE`, MUST NOT hold `PROFILE_UNSPECIFIED`, and MUST NOT hold any value twice.",
    anchor: "info.md#info-core",
  },
  "INFO-LIMITS": {
    level: "MUST",
    profile: "CORE",
    sentence: "`max_page_size` and `max_payload_bytes` MUST each be at least 1.",
    anchor: "info.md#info-limits",
  },
  "INFO-WINDOW": {
    level: "MUST",
    profile: "CORE",
    sentence: "`dedup_window` MUST be set and above zero.",
    anchor: "info.md#info-window",
  },
  "INFO-UNDECLARED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server that does not declare JSON MUST respond with HTTP status 415 to the JSON content types at the RPCs that it has, and a server that does not declare WATCH MUST respond to Watch with the code `unimplemented`, or with HTTP status 404 or 415.",
    anchor: "info.md#info-undeclared",
  },
  "SEQ-START": {
    level: "MUST",
    profile: "CORE",
    sentence: "The first message of a new inbox MUST get the seq 1, and the seq 0 MUST NOT be assigned.",
    anchor: "seq.md#seq-start",
  },
  "SEQ-CONSECUTIVE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Each accepted message MUST get the seq that follows the highest one assigned before in its recipient's inbox, and nothing but an accepted message may use up a seq.",
    anchor: "seq.md#seq-consecutive",
  },
  "SEQ-PARALLEL": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "When k messages to one inbox are accepted, in parallel or not, and no others, they MUST have exactly the k seqs that follow the former `svr_seq`.",
    anchor: "seq.md#seq-parallel",
  },
  "SEQ-INDEPENDENT": {
    level: "MUST",
    profile: "CORE",
    sentence: "A message to one inbox MUST NOT change the numbering of any other.",
    anchor: "seq.md#seq-independent",
  },
  "SEQ-CONTIGUOUS": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "When a response or a frame reports a `svr_seq`, each unacknowledged message up to it MUST be available to every Sync that begins afterwards; in particular, no message may be visible before the one with the preceding seq.",
    anchor: "seq.md#seq-contiguous",
  },
  "SEQ-MONOTONE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within an epoch `svr_seq` MUST NOT fall: the response to a call that begins after another response was received MUST NOT report a lower one.",
    anchor: "seq.md#seq-monotone",
  },
  "SEQ-IMMUTABLE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within an epoch a seq MUST always name the same message: the same sender, `client_message_id`, payload and `accepted_at`.",
    anchor: "seq.md#seq-immutable",
  },
  "SEQ-UNSIGNED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Every requirement of this specification MUST hold over the whole range of seqs from 0 to 4294967295, across 2147483648 as anywhere else.",
    anchor: "seq.md#seq-unsigned",
  },
  "SEQ-EXHAUSTED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Send to an inbox whose `svr_seq` is 4294967295 MUST be refused with `resource_exhausted` and the reason SEQ_EXHAUSTED, if it is not a retry and no other refusal applies to it, and the numbering MUST NOT wrap.",
    anchor: "seq.md#seq-exhausted",
  },
  "SEQ-EXHAUSTED-SYNC": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "In an inbox whose `svr_seq` is 4294967295 Sync MUST continue to work: it delivers and acknowledges up to that seq.",
    anchor: "seq.md#seq-exhausted-sync",
  },
  "SEND-ACCEPT": {
    level: "MUST",
    profile: "CORE",
    sentence: "A Send to which no row of the table of errors applies MUST be accepted.",
    anchor: "send.md#send-accept",
  },
  "SEND-VISIBLE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Once a Send has succeeded, every Sync of the recipient that begins later MUST report a `svr_seq` that covers its message, within the epoch in which it was accepted.",
    anchor: "send.md#send-visible",
  },
  "SEND-BYTES": {
    level: "MUST",
    profile: "CORE",
    sentence: "The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were sent.",
    anchor: "send.md#send-bytes",
  },
  "SEND-SIZES": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Send MUST accept a payload of any length from 0 to `max_payload_bytes` bytes, and as `client_message_id` any UTF-8 of 1 to 64 bytes.",
    anchor: "send.md#send-sizes",
  },
  "SEND-PAYLOAD-LIMIT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Send whose payload is longer than `max_payload_bytes` MUST be refused with `invalid_argument` and the reason PAYLOAD_TOO_LARGE, or, if its body is longer than the server's bound for bodies, as HTTP-BODY-LIMIT says.",
    anchor: "send.md#send-payload-limit",
  },
  "SEND-ID-LIMIT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Send whose `client_message_id` is empty or longer than 64 bytes MUST be refused with `invalid_argument` and the reason CLIENT_MESSAGE_ID_INVALID.",
    anchor: "send.md#send-id-limit",
  },
  "SEND-RECIPIENT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Send whose `recipient_id` names no account MUST be refused with `not_found` and the reason RECIPIENT_UNKNOWN, if it is not a retry and no other refusal applies to it.",
    anchor: "send.md#send-recipient",
  },
  "SEND-SELF": {
    level: "MUST",
    profile: "CORE",
    sentence: "A Send to the sender's own account MUST be treated like one to any other.",
    anchor: "send.md#send-self",
  },
  "SEND-ORDER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "If the Send of one message has succeeded before another message to the same recipient is first sent, the former message MUST have the lower seq, within an epoch.",
    anchor: "send.md#send-order",
  },
  "SEND-ACCEPTED-AT": {
    level: "MUST",
    profile: "CORE",
    sentence: "A successful response MUST have `accepted_at`, and the message MUST be delivered with the same instant.",
    anchor: "send.md#send-accepted-at",
  },
  "SEND-SEQ-HIDDEN": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "The response to a Send, refusals and headers included, MUST NOT reveal the seq of the message, nor `svr_seq`, `acked_seq` or epoch of the recipient's inbox.",
    anchor: "send.md#send-seq-hidden",
  },
  "SEND-BACKLOG": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server that accepts no more unacknowledged messages into an inbox MUST refuse a Send to it with `resource_exhausted` and the reason BACKLOG_FULL, if the Send is not a retry and no other refusal applies to it, and MUST NOT drop an accepted message to make room.",
    anchor: "send.md#send-backlog",
  },
  "SEND-RETRY": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within the dedup window a retry of an accepted Send MUST succeed with the first one's `accepted_at`, and MUST NOT create a message.",
    anchor: "send.md#send-retry",
  },
  "SEND-RETRY-CONCURRENT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "From Sends that are retries of each other and in flight at the same time, the recipient MUST NOT get more than one message, and all that succeed MUST return the same `accepted_at`.",
    anchor: "send.md#send-retry-concurrent",
  },
  "SEND-RETRY-LATER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within the dedup window a retry MUST be recognised whatever other Sends came in between, from this sender or others, and even after the recipient has acknowledged the message.",
    anchor: "send.md#send-retry-later",
  },
  "SEND-RETRY-FIRST": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within the dedup window a retry MUST be recognised before the recipient is checked, even if its inbox has since become full or has used its last seq.",
    anchor: "send.md#send-retry-first",
  },
  "SEND-ID-REUSED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Within the dedup window of an accepted Send, another Send of the same sender with the same `client_message_id`, but another recipient or payload, MUST be refused with `already_exists` and the reason CLIENT_MESSAGE_ID_REUSED, or for another reason that applies to it as well.",
    anchor: "send.md#send-id-reused",
  },
  "SEND-ID-SCOPE": {
    level: "MUST",
    profile: "CORE",
    sentence: "The same `client_message_id` used by two senders MUST be treated as two ids.",
    anchor: "send.md#send-id-scope",
  },
  "SEND-ID-FREE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "After a refused Send its `client_message_id` MUST still be free for a Send that is accepted, unless it was in use before.",
    anchor: "send.md#send-id-free",
  },
  "SYNC-ANSWER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync whose `epoch` is empty or the inbox's current one, and whose `cli_seq` is not above the inbox's `svr_seq`, MUST return a `SyncResponse`.",
    anchor: "sync.md#sync-answer",
  },
  "SYNC-BASE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "`acked_seq` of the response MUST be the greater of the request's `cli_seq` and the acknowledged seq that the inbox had before.",
    anchor: "sync.md#sync-base",
  },
  "SYNC-RANGE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "The messages of the response MUST be exactly those with the seqs from `acked_seq + 1` to `next_cli_seq`, in ascending order, none missing and none twice.",
    anchor: "sync.md#sync-range",
  },
  "SYNC-NEXT": {
    level: "MUST",
    profile: "CORE",
    sentence: "`next_cli_seq` MUST be the seq of the last message of the response, or `acked_seq` if it has none.",
    anchor: "sync.md#sync-next",
  },
  "SYNC-EMPTY": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync after which nothing is pending MUST return a response with no messages, without waiting for one to arrive.",
    anchor: "sync.md#sync-empty",
  },
  "SYNC-LINEARIZABLE": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "The Sends and Syncs on one inbox MUST be linearizable: each takes effect, as a whole, at one moment between its call and its response, and all responses agree with the model for that order.",
    anchor: "sync.md#sync-linearizable",
  },
  "ACK-IMPLICIT": {
    level: "MUST",
    profile: "CORE",
    sentence: "A successful Sync with `cli_seq` c MUST acknowledge every message up to c.",
    anchor: "ack.md#ack-implicit",
  },
  "ACK-NOT-ON-ANSWER": {
    level: "MUST",
    profile: "CORE",
    sentence: "Delivering a message in a response MUST NOT acknowledge it.",
    anchor: "ack.md#ack-not-on-answer",
  },
  "ACK-FAILED": {
    level: "MUST",
    profile: "CORE",
    sentence: "A refused Sync MUST NOT acknowledge anything.",
    anchor: "ack.md#ack-failed",
  },
  "ACK-MONOTONE": {
    level: "MUST",
    profile: "CORE",
    sentence: "A Sync with a lower, late or repeated `cli_seq` MUST NOT lower the acknowledged seq of the inbox.",
    anchor: "ack.md#ack-monotone",
  },
  "ACK-NO-REDELIVERY": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "An acknowledged message MUST NOT be delivered by any Sync that begins after the acknowledging Sync succeeded, on any device, within the epoch.",
    anchor: "ack.md#ack-no-redelivery",
  },
  "ACK-REDELIVER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "An unacknowledged message MUST be delivered again by every Sync whose page reaches its seq, however often, however long ago and to whichever device it was delivered before.",
    anchor: "ack.md#ack-redeliver",
  },
  "ACK-UNFETCHED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync whose `cli_seq` is not above `svr_seq` MUST be accepted and acknowledge up to it, even if the messages in between were never fetched.",
    anchor: "ack.md#ack-unfetched",
  },
  "ACK-AHEAD": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync whose `epoch` is empty or the current one and whose `cli_seq` is above `svr_seq` MUST be refused with `out_of_range` and the reason CLI_SEQ_AHEAD, and its `ErrorDetail` MUST hold the inbox's current `epoch` and `svr_seq`.",
    anchor: "ack.md#ack-ahead",
  },
  "PAGE-CAP": {
    level: "MUST",
    profile: "CORE",
    sentence: "The response to a Sync with a `page_size` above 0 MUST NOT hold more than `page_size` messages.",
    anchor: "page.md#page-cap",
  },
  "PAGE-MAX": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A response MUST NOT hold more than `max_page_size` messages, and a Sync with a larger `page_size` MUST be treated as one with `max_page_size`.",
    anchor: "page.md#page-max",
  },
  "PAGE-DEFAULT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync with `page_size` 0 MUST return a page of the server's choice, of at most `max_page_size` messages.",
    anchor: "page.md#page-default",
  },
  "PAGE-PROGRESS": {
    level: "MUST",
    profile: "CORE",
    sentence: "If any message is pending, the response MUST hold at least one.",
    anchor: "page.md#page-progress",
  },
  "PAGE-UNION": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "The pages of a run of Syncs, each with the `next_cli_seq` of the previous response as its `cli_seq`, MUST together hold each message after the first page's `acked_seq`, up to the last page's `next_cli_seq`, exactly once, and MUST reach the first page's `svr_seq`, while no other device acknowledges.",
    anchor: "page.md#page-union",
  },
  "PAGE-ARRIVALS": {
    level: "MUST",
    profile: "CORE",
    sentence: "Messages that arrive between two pages MUST be neither lost nor delivered twice by the run.",
    anchor: "page.md#page-arrivals",
  },
  "PAGE-NO-TRAFFIC": {
    level: "MUST",
    profile: "CORE",
    sentence: "The next page MUST be available even if no new message arrives.",
    anchor: "page.md#page-no-traffic",
  },
  "PAGE-REPEAT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "If two Syncs within one epoch returned the same `acked_seq`, the shorter of their pages MUST be the beginning of the longer one.",
    anchor: "page.md#page-repeat",
  },
  "DEV-SHARED-ACK": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A message that one device of an account has acknowledged MUST be acknowledged for all devices of the account.",
    anchor: "devices.md#dev-shared-ack",
  },
  "DEV-TOGETHER": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Devices that sync at the same time MUST each receive a page that starts right after the acknowledged seq: delivering a message to one device MUST NOT withhold it from another.",
    anchor: "devices.md#dev-together",
  },
  "DEV-LAGGING": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync whose `cli_seq` is below the acknowledged seq MUST be served like any other, with an `acked_seq` above that `cli_seq` and the page that follows this `acked_seq`.",
    anchor: "devices.md#dev-lagging",
  },
  "EPOCH-PRESENT": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Every successful response to Sync and every frame of a Watch MUST have an `epoch` of 1 to 64 bytes, the inbox's current one.",
    anchor: "epoch.md#epoch-present",
  },
  "EPOCH-STABLE": {
    level: "MUST",
    profile: "CORE",
    sentence: "The epoch of an inbox MUST stay the same as long as its numbering continues.",
    anchor: "epoch.md#epoch-stable",
  },
  "EPOCH-MISMATCH": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A Sync whose `epoch` is not empty and not the inbox's current one MUST be refused with `failed_precondition` and the reason EPOCH_MISMATCH, whatever its `cli_seq`, and its `ErrorDetail` MUST hold the inbox's current `epoch` and `svr_seq`.",
    anchor: "epoch.md#epoch-mismatch",
  },
  "EPOCH-UNCHECKED": {
    level: "MUST",
    profile: "CORE",
    sentence: "A Sync with an empty `epoch` MUST NOT be refused for its epoch.",
    anchor: "epoch.md#epoch-unchecked",
  },
  "EPOCH-RENEWED": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "When an inbox has lost an assigned seq, an accepted unacknowledged message or an acknowledgement, or the server cannot rule that out, the server MUST give the inbox an epoch that it never had before.",
    anchor: "epoch.md#epoch-renewed",
  },
  "EPOCH-RESTART": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a retry of an earlier Send MUST NOT be recognised by a dedup record of an earlier epoch but be accepted as a new message, unless the record's message was moved into the new numbering.",
    anchor: "epoch.md#epoch-restart",
  },
  "WATCH-FIRST": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "The first frame of a Watch MUST come without waiting for an event, and report the inbox's `epoch` and `svr_seq` as they are at some moment after the call began.",
    anchor: "watch.md#watch-first",
  },
  "WATCH-WAKE": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps up MUST have received a frame whose `svr_seq` covers the message.",
    anchor: "watch.md#watch-wake",
  },
  "WATCH-WAKE-SOON": {
    level: "SHOULD",
    profile: "WATCH",
    sentence: "The frame that WATCH-WAKE requires SHOULD come within 1 second.",
    anchor: "watch.md#watch-wake-soon",
  },
  "WATCH-MONOTONE": {
    level: "MUST",
    profile: "WATCH",
    sentence: "Within an epoch the `svr_seq` of the frames of one Watch MUST NOT fall.",
    anchor: "watch.md#watch-monotone",
  },
  "WATCH-NO-ACK": {
    level: "MUST",
    profile: "WATCH",
    sentence: "A Watch MUST NOT change its inbox: it acknowledges nothing.",
    anchor: "watch.md#watch-no-ack",
  },
  "WATCH-SYNC": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "A Sync that begins after a frame was received MUST report at least the frame's `svr_seq`, within an epoch.",
    anchor: "watch.md#watch-sync",
  },
  "WATCH-ALL": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that this chapter promises.",
    anchor: "watch.md#watch-all",
  },
  "WATCH-PRIVATE": {
    level: "MUST",
    profile: "WATCH",
    sentence: "A frame MUST report the caller's inbox and no other.",
    anchor: "watch.md#watch-private",
  },
  "WATCH-HEARTBEAT": {
    level: "SHOULD",
    profile: "WATCH",
    sentence:
      "A server SHOULD send a frame on an open Watch at least every 30 seconds, repeating the last one if nothing has changed.",
    anchor: "watch.md#watch-heartbeat",
  },
  "WATCH-END": {
    level: "MUST",
    profile: "WATCH",
    sentence: "A Watch that the server ends while the connection works MUST end with the end-of-stream message.",
    anchor: "watch.md#watch-end",
  },
  "WATCH-STALLED": {
    level: "MUST",
    profile: "WATCH",
    sentence: "A Watch whose client does not read MUST NOT hold up any Send, any Sync or any other Watch.",
    anchor: "watch.md#watch-stalled",
  },
  "WATCH-EPOCH": {
    level: "MUST",
    profile: "WATCH",
    sentence:
      "When an inbox gets a new epoch, every open Watch on it whose reader keeps up MUST get, within 5 seconds, a frame with the new epoch, or end.",
    anchor: "watch.md#watch-epoch",
  },
  "DUR-KEEP": {
    level: "MUST",
    profile: "DURABLE",
    sentence:
      "After a crash of its processes at any moment, and a restart, a server MUST have every accepted message that was not acknowledged, with its seq, every acknowledgement of a successful Sync, the dedup records of accepted Sends within their windows, and the epochs.",
    anchor: "durable.md#dur-keep",
  },
  "DUR-NEW-EPOCH": {
    level: "MUST",
    profile: "CORE",
    sentence:
      "A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a new epoch to each inbox that is affected, before it serves a call on that inbox.",
    anchor: "durable.md#dur-new-epoch",
  },
  "CLI-STORE-FIRST": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client MUST have stored the messages and the epoch of a response durably before, or in the same transaction as, it stores the response's `next_cli_seq`.",
    anchor: "client.md#cli-store-first",
  },
  "CLI-RETRY-SAME": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client that received no response to a Sync, or a retryable error, MUST retry with the values that it has stored, and MUST NOT advance `cli_seq` because of that Sync.",
    anchor: "client.md#cli-retry-same",
  },
  "CLI-ADOPT-NEXT": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client MUST take its `cli_seq` from `next_cli_seq` of a response, never from `svr_seq`, and MUST NOT move it backwards within an epoch, except to 0 for CLI_SEQ_AHEAD.",
    anchor: "client.md#cli-adopt-next",
  },
  "CLI-NOT-FROM-WATCH": {
    level: "MUST",
    profile: "CLIENT",
    sentence: "A client MUST NOT advance `cli_seq` because of a Watch frame or a push notification.",
    anchor: "client.md#cli-not-from-watch",
  },
  "CLI-EPOCH-RESET": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client MUST send the epoch of its last response with every Sync, and when the server has another epoch it MUST start again with `cli_seq` 0 under that one.",
    anchor: "client.md#cli-epoch-reset",
  },
  "CLI-CLOSING-SYNC": {
    level: "MUST",
    profile: "CLIENT",
    sentence: "A client that has stored the last page MUST send one more Sync, at once or with its next activity.",
    anchor: "client.md#cli-closing-sync",
  },
  "CLI-POLL": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client MUST sync from time to time even if no notification comes, and MUST poll where the server has no Watch.",
    anchor: "client.md#cli-poll",
  },
  "CLI-SEND-RETRY": {
    level: "MUST",
    profile: "CLIENT",
    sentence:
      "A client that does not know the outcome of a Send MUST retry it, if at all, with the same `client_message_id`, `recipient_id` and payload, within the dedup window.",
    anchor: "client.md#cli-send-retry",
  },
  "CLI-BACKOFF": {
    level: "SHOULD",
    profile: "CLIENT",
    sentence: "A client SHOULD wait before each retry, longer after each failed attempt, and with a random part.",
    anchor: "client.md#cli-backoff",
  },
};
