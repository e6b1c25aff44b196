import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Inconclusive, RetriesExhausted } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { isRetryableStatus, mediaType } from "../rpc/connect.js";
import { type Envelope, EnvelopeError, envelope, envelopes, FLAG_END } from "../rpc/envelope.js";
import { FloodError } from "../rpc/flood.js";
import { varyRawRequest } from "../rpc/forms/vary-request.js";
import type { CallResult, Refusal } from "../rpc/result.js";
import { authorization, noResponseResult } from "../rpc/session.js";
import { decodeFrame, parseEnd } from "../rpc/watch.js";
import { afterDeadline } from "../transport/deadline.js";
import { mayBeTruncated } from "../transport/messages.js";
import type { Context } from "./context.js";
import { contentTypeOf, emptyBody, pathOf } from "./raw-calls.js";

/** Deadline for the first frame, or for the end of a refused stream, in milliseconds. */
const TIMEOUT_MS = 5000;

/** The response to a Watch, envelope by envelope. */
export interface WatchTranscript {
  /** HTTP status; 0 if there was no response. */
  status: number;
  /** Media type. */
  type: string;
  contentEncoding: string;
  /** Coding of the envelopes with the flag 0x01. */
  frameEncoding: string;
  envelopes: Envelope[];
  /** Why reading ended, for people. */
  why: string;
  /** Whether the time limit passed without a response, while the connection was open. */
  timedOut: boolean;
  /** Whether the server ended the stream; false if reading ended for another reason. */
  closed: boolean;
  /** Whether the connection broke before the end of the response, or before the frame that was to be read. */
  broken: boolean;
}

export interface WatchArguments {
  /** Bearer token; undefined for no credential. */
  token: string | undefined;
  /** Default: the content type of the case's codec. Null omits the header. */
  contentType?: string | null;
  /** Query of the URL, with its question mark. Default: none. */
  query?: string;
  /** Further headers, which override content type and credential. */
  headers?: Readonly<Record<string, string>>;
  /** Default: an envelope with the empty message. */
  body?: Uint8Array | readonly Uint8Array[];
  /** Where reading ends. */
  until: "a frame" | "the end";
  /** Whether the server may close the connection instead of responding. Then the Watch is not retried. Default: no. */
  mayClose?: boolean;
}

/** Opens a Watch and reads its envelopes. Retries retryable errors, and a few times if the connection breaks. */
export async function rawWatch(t: Context, args: WatchArguments): Promise<WatchTranscript> {
  const result = await t.session.retry(() => attemptWatch(t, args));
  if (result.kind === "retryable") throw new RetriesExhausted(result.why, result.refusal?.code);
  return result.value;
}

type WatchResult =
  | { kind: "response" | "no-response"; value: WatchTranscript }
  | Extract<CallResult<never>, { kind: "retryable" }>;

async function attemptWatch(t: Context, args: WatchArguments): Promise<WatchResult> {
  const transcript = await readWatch(t, args);
  if (isRetryableStatus(transcript.status)) return { kind: "retryable", why: `HTTP ${transcript.status}` };
  const last = transcript.envelopes.at(-1);
  const end = last?.flags === FLAG_END ? parseEnd(last) : undefined;
  if (end?.kind === "retryable") return end;
  return { kind: transcript.broken && !args.mayClose ? "no-response" : "response", value: transcript };
}

async function readWatch(t: Context, args: WatchArguments): Promise<WatchTranscript> {
  const type = contentTypeOf("Watch", t.session.codec);
  const { token, query = "", contentType = type, headers, body, until } = args;
  const transcript: WatchTranscript = {
    status: 0,
    type: "",
    contentEncoding: "",
    frameEncoding: "",
    envelopes: [],
    why: "",
    timedOut: false,
    closed: false,
    broken: false,
  };
  try {
    const stream = await t.session.transport.stream({
      endpoint: t.session.nextEndpoint(),
      path: pathOf("Watch") + query,
      ...varyRawRequest(
        {
          ...(contentType === null ? {} : { "content-type": contentType }),
          ...authorization(token),
          ...headers,
        },
        t.session.forms?.next(),
        t.session.transport.headers,
      ),
      body: body ?? envelope(emptyBody(t.session.codec)),
    });
    transcript.status = stream.status;
    transcript.type = mediaType(stream.headers["content-type"]);
    transcript.contentEncoding = stream.headers["content-encoding"]?.toLowerCase() ?? "identity";
    transcript.frameEncoding = stream.headers["connect-content-encoding"]?.toLowerCase() ?? "identity";
    let isLate = false;
    const cancelTimer = afterDeadline(t.deadline(TIMEOUT_MS), () => {
      isLate = true;
      stream.cancel();
    });
    try {
      if (isStream(transcript)) {
        for await (const received of envelopes(stream.chunks)) {
          transcript.envelopes.push(received);
          if (until === "a frame") break;
        }
      }
      transcript.closed = !isLate && until === "the end";
      transcript.why = "the stream ended";
      transcript.broken = !isLate && !isWhole(transcript, until) && mayBeTruncated(stream.headers);
    } catch (error) {
      if (error instanceof FloodError) throw new Inconclusive(error.message, ReasonCode.SERVER_LIMIT);
      transcript.why = isLate ? `the time limit of ${TIMEOUT_MS} ms passed` : (error as Error).message;
      transcript.broken = !isLate && (!(error instanceof EnvelopeError) || mayBeTruncated(stream.headers));
    } finally {
      cancelTimer();
      stream.cancel();
    }
  } catch (error) {
    const { why, timedOut = false } = noResponseResult(error);
    Object.assign(transcript, { why, timedOut, broken: !timedOut });
  }
  return transcript;
}

const isStream = ({ status, type }: WatchTranscript) => status === 200 && type.startsWith("application/connect+");

/** Whether a transcript has what was to be read. A response other than a stream is not read. */
const isWhole = (transcript: WatchTranscript, until: WatchArguments["until"]) =>
  !isStream(transcript) ||
  (until === "a frame" ? transcript.envelopes.length > 0 : transcript.envelopes.at(-1)?.flags === FLAG_END);

/** Expects the response to be a stream in the case's codec, without a content coding. */
export function expectStream(t: Context, { status, type, contentEncoding }: WatchTranscript, what: string): void {
  t.equal({ status }, { status: 200 }, "HTTP-STREAM", `the response to ${what} does not have HTTP status 200`);
  t.equal(
    type,
    contentTypeOf("Watch", t.session.codec),
    "HTTP-STREAM",
    `the response to ${what} has the wrong media type`,
  );
  t.equal(
    contentEncoding,
    "identity",
    "HTTP-COMPRESSION",
    `the response to ${what} has a Content-Encoding that the request did not offer`,
  );
}

/** Expects a stream that contains nothing but an end-of-stream message with an error, and returns the error. */
export function expectStreamRefusal(t: Context, transcript: WatchTranscript, what: string): Refusal {
  expectStream(t, transcript, what);
  const { envelopes: received, closed, why } = transcript;
  const flags = received.map((message) => message.flags);
  t.equal(
    { flags },
    { flags: [FLAG_END] },
    "HTTP-STREAM",
    `the stream of ${what} is not a single end-of-stream message (${why})`,
  );
  const violation = `the stream of ${what} did not end after the end-of-stream message`;
  t.that(closed, "HTTP-STREAM", violation, "the end of the stream", why);
  const error = errorOf(received[0] as Envelope);
  if (error !== undefined) return error;
  const text = Buffer.from(received[0]?.body ?? []).toString();
  return t.fail(
    "HTTP-STREAM",
    `the end-of-stream message of ${what} ${text === "" ? "is empty" : "has no error"}`,
    "a JSON object with an error",
    text === "" ? "an envelope of 0 bytes" : text,
  );
}

/** Expects the stream to begin with a frame, and returns it. */
export function expectFirstFrame(
  t: Context,
  requirement: RequirementId,
  { envelopes: [first], why }: WatchTranscript,
  what: string,
): WatchResponse {
  if (first?.flags === 0) return expectDecodable(t, first);
  const actual = first === undefined ? why : Buffer.from(first.body).toString();
  return t.fail(requirement, `${what} got no first frame`, "a frame at once", actual);
}

/** Returns the error of an end-of-stream message; undefined if there is none. */
export function errorOf(message: Envelope): Refusal | undefined {
  const end = parseEnd(message);
  return end.kind === "refusal" || end.kind === "retryable" ? end.refusal : undefined;
}

/** Expects the body of an envelope to decode as a frame. */
export function expectDecodable(t: Context, { body }: Envelope): WatchResponse {
  const frame = decodeFrame(t.session.codec, { flags: 0, body });
  if (!("kind" in frame)) return frame;
  return t.fail(
    "HTTP-STREAM",
    "a frame does not decode",
    "a WatchResponse",
    frame.kind === "malformed" ? frame.why : "",
  );
}
