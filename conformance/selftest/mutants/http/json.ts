import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { isJson, mapBodies, mapResponses, readAll, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Json = Record<string, unknown>;

const UNARY = ["GetServerInfo", "Send", "Sync"];
const isJsonCall = (req: IncomingMessage) => isJson(req) && UNARY.includes(rpcOf(req));

/**
 * Parses a JSON object. Returns undefined for a body that would not stay malformed if it were serialized again: one with
 * bytes that are not UTF-8, or with a number that no double can hold.
 */
function parse(body: Buffer): Json | undefined {
  return isUtf8(body) ? parseLenient(body) : undefined;
}

/** Replaces bytes that are not UTF-8 by U+FFFD. */
function parseLenient(body: Buffer): Json | undefined {
  try {
    const json: unknown = JSON.parse(body.toString(), (_, value: unknown) => {
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
        throw new RangeError("not a double");
      return value;
    });
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Changes requests that are JSON objects. Undefined makes the request malformed. */
export const mapJsonRequests = (change: (json: Json) => Json | undefined) =>
  mapBodies((body, req) => {
    const json = isJsonCall(req) ? parse(body) : undefined;
    return json === undefined ? body : Buffer.from(JSON.stringify(change(json)) ?? "?");
  });

/** Changes the text of JSON requests, valid or not. */
const mapJsonText = (change: (text: string) => string) =>
  mapBodies((body, req) => (isJsonCall(req) ? Buffer.from(change(body.toString())) : body));

/** Changes successful JSON responses. */
const mapJsonResponses = (change: (json: Json) => Json) =>
  mapResponses((response, req) => {
    const json = isJsonCall(req) && response.status === 200 ? parse(response.body) : undefined;
    return json === undefined ? response : { ...response, body: Buffer.from(JSON.stringify(change(json))) };
  });

const NUMBERS = ["cliSeq", "cli_seq", "pageSize", "page_size", "svrSeq", "ackedSeq", "nextCliSeq", "seq"];

/** Changes each number field of the protocol, at any depth. */
function mapNumbers(value: unknown, change: (number: number) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapNumbers(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      NUMBERS.includes(name) && typeof item === "number" ? change(item) : mapNumbers(item, change),
    ]),
  );
}

const KNOWN = [
  ["recipientId", "recipient_id", "clientMessageId", "client_message_id", "payload"],
  ["cliSeq", "cli_seq", "epoch", "pageSize", "page_size"],
].flat();

/** Mutants of the chapter "HTTP binding": the JSON codec. */
export const httpJson: readonly Mutant[] = [
  {
    name: "http-json-camel-case-only",
    breaks: "HTTP-JSON",
    about: "ignores JSON members in snake_case as unknown",
    handler: mapJsonRequests((json) =>
      Object.fromEntries(Object.entries(json).filter(([name]) => !name.includes("_"))),
    ),
  },
  {
    name: "http-json-time-as-number",
    breaks: "HTTP-JSON",
    about: "writes accepted_at of a Send response as milliseconds",
    handler: mapJsonResponses((json) =>
      typeof json["acceptedAt"] === "string" ? { ...json, acceptedAt: Date.parse(json["acceptedAt"]) } : json,
    ),
  },
  {
    name: "http-json-payload-as-text",
    breaks: "HTTP-JSON",
    about: "delivers payloads in JSON as text instead of base64",
    handler: mapJsonResponses((json) => {
      const { messages } = json as { messages?: Json[] };
      if (messages === undefined) return json;
      return {
        ...json,
        messages: messages.map((message) => ({
          ...message,
          payload: Buffer.from(String(message["payload"] ?? ""), "base64").toString("utf8"),
        })),
      };
    }),
  },
  {
    name: "http-json-numbers-as-strings",
    breaks: "HTTP-JSON-NUMBERS",
    about: "writes 32-bit numbers as strings, which is correct only for 64-bit ones",
    handler: mapJsonResponses((json) => mapNumbers(json, String) as Json),
  },
  {
    name: "http-json-numbers-signed",
    breaks: "HTTP-JSON-NUMBERS",
    about: "writes numbers above 2147483647 as negative numbers",
    seenIn: "twmb/franz-go#216",
    handler: mapJsonResponses((json) => mapNumbers(json, (number) => number | 0) as Json),
  },
  {
    name: "http-json-numeric-strings-refused",
    breaks: "HTTP-JSON-NUMBERS",
    about: "refuses a number in a string as a wrong type",
    handler: mapJsonRequests((json) =>
      Object.entries(json).some(([name, value]) => NUMBERS.includes(name) && typeof value === "string")
        ? undefined
        : json,
    ),
  },
  {
    name: "http-json-unknown-refused",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "refuses unknown members as malformed",
    handler: mapJsonRequests((json) => (Object.keys(json).every((name) => KNOWN.includes(name)) ? json : undefined)),
  },
  {
    name: "http-json-empty-body",
    breaks: "HTTP-JSON-MALFORMED",
    about: "treats an empty JSON body as the empty message",
    handler: mapJsonText((text) => (text === "" ? "{}" : text)),
  },
  {
    name: "http-json-first-of-two",
    breaks: "HTTP-JSON-MALFORMED",
    about: "ignores everything after the first JSON object",
    handler: mapJsonText((text) => /^(\{[^{}]*\})/.exec(text)?.[1] ?? text),
  },
  {
    name: "http-json-wraps-numbers",
    breaks: "HTTP-JSON-MALFORMED",
    about: "truncates numbers that are out of range to 32 bits",
    seenIn: "horazont/aioxmpp#67",
    handler: mapJsonRequests((json) => mapNumbers(json, (number) => number >>> 0) as Json),
  },
  {
    name: "http-json-loose-base64",
    breaks: "HTTP-JSON-MALFORMED",
    about: "ignores characters that are not base64",
    handler: mapJsonRequests((json) => {
      const { payload } = json;
      return typeof payload === "string"
        ? { ...json, payload: Buffer.from(payload, "base64").toString("base64") }
        : json;
    }),
  },
  {
    name: "send-json-counts-characters",
    breaks: "SEND-SIZES",
    about: "applies max_payload_bytes to the base64 text in JSON",
    handler: mapJsonRequests((json) => (String(json["payload"] ?? "").length > 65_536 ? undefined : json)),
  },
  {
    name: "sync-json-base-is-cli-seq",
    breaks: "SYNC-BASE",
    about: "returns the request's cli_seq as acked_seq in JSON, even if a higher seq is acked",
    handler: (real) => {
      const requested = new WeakMap<object, unknown>();
      const changed = mapResponses((response, req) => {
        const json = response.status === 200 && requested.has(req) ? parse(response.body) : undefined;
        if (json === undefined) return response;
        return { ...response, body: Buffer.from(JSON.stringify({ ...json, ackedSeq: requested.get(req) })) };
      });
      return async (req, res) => {
        if (!isJson(req) || rpcOf(req) !== "Sync") return real(req, res);
        const body = await readAll(req);
        if (body === undefined) return undefined;
        const copy = withBody(req, body);
        const cliSeq = parse(body)?.["cliSeq"];
        if (typeof cliSeq === "number" && cliSeq > 0) requested.set(copy, cliSeq);
        return changed(real)(copy, res);
      };
    },
  },
  {
    name: "http-json-limit-as-text",
    breaks: "HTTP-JSON-NUMBERS",
    about: "writes max_payload_bytes as a string, as if it had 64 bits",
    handler: mapResponses((response, req) => {
      if (!isJson(req) || response.status !== 200) return response;
      const text = response.body.toString().replace(/"maxPayloadBytes":(\d+)/, '"maxPayloadBytes":"$1"');
      return { ...response, body: Buffer.from(text) };
    }),
  },
  {
    name: "http-json-names-without-case",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "compares member names case-insensitively, as Go's encoding/json does",
    handler: mapJsonRequests((json) => {
      const known = (name: string) => KNOWN.find((it) => it.toLowerCase() === name.toLowerCase()) ?? name;
      return Object.fromEntries(Object.entries(json).map(([name, value]) => [known(name), value]));
    }),
  },
  {
    name: "http-json-prototype",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "merges the members of a member __proto__ into the request, as an unsafe merge in JavaScript does",
    handler: mapJsonRequests((json) => {
      const inherited = Object.getOwnPropertyDescriptor(json, "__proto__")?.value as object | undefined;
      return { ...inherited, ...json };
    }),
  },
  {
    name: "http-json-false-is-zero",
    breaks: "HTTP-JSON-MALFORMED",
    about: "accepts false as 0 for a number, as JavaScript converts it",
    handler: mapJsonRequests((json) =>
      Object.fromEntries(
        Object.entries(json).map(([name, value]) => [name, NUMBERS.includes(name) && value === false ? 0 : value]),
      ),
    ),
  },
  {
    name: "http-json-text-of-unknown-members",
    breaks: "HTTP-JSON-MALFORMED",
    about: "validates UTF-8 in known members only",
    handler: mapBodies((body, req) => {
      const json = isJsonCall(req) ? parseLenient(body) : undefined;
      const known = Object.entries(json ?? {}).filter(([name]) => KNOWN.includes(name));
      // A lenient decoder replaces invalid bytes by U+FFFD.
      const isRead = json !== undefined && !JSON.stringify(known).includes("\ufffd");
      return isRead ? Buffer.from(JSON.stringify(Object.fromEntries(known))) : body;
    }),
  },
  {
    name: "http-json-array-of-one",
    breaks: "HTTP-JSON-MALFORMED",
    about: "accepts a Send as an array of one object, as Jackson's UNWRAP_SINGLE_VALUE_ARRAYS does",
    handler: mapBodies((body, req) =>
      isJsonCall(req) && rpcOf(req) === "Send" ? Buffer.from(body.toString().replace(/^\[(.*)\]$/s, "$1")) : body,
    ),
  },
  {
    name: "http-json-surrogate-pairs",
    breaks: "HTTP-JSON",
    about: "decodes an escaped surrogate pair, such as \\ud83d\\ude00, as two invalid characters",
    handler: mapBodies((body, req) => {
      if (!isJsonCall(req)) return body;
      const text = body.toString("latin1").replace(/\\ud[89ab]..\\ud[c-f]../gi, "\\ufffd\\ufffd");
      return Buffer.from(text, "latin1");
    }),
  },
  {
    name: "http-json-null-recipient",
    breaks: "HTTP-JSON",
    about: "refuses null for recipient_id as a wrong type",
    handler: mapJsonRequests((json) => (json["recipientId"] === null ? undefined : json)),
  },
  {
    name: "http-json-escaped-slash",
    breaks: "HTTP-JSON",
    about: "refuses base64 with an escaped slash, as PHP writes it",
    handler: mapBodies((body, req) => (isJsonCall(req) && body.includes("\\/") ? Buffer.from("?") : body)),
  },
  {
    name: "http-json-time-without-its-zeros",
    breaks: "HTTP-JSON",
    about: "omits trailing zeros of fractional seconds, such as in 00.25Z, as Go's RFC3339Nano does",
    handler: mapResponses((response, req) => {
      if (!isJsonCall(req) || response.status !== 200) return response;
      const text = response.body.toString().replace(/(:\d\d)(\.\d*?)0+Z"/g, '$1$2Z"');
      return { ...response, body: Buffer.from(text.replaceAll('.Z"', 'Z"')) };
    }),
  },
  {
    name: "http-json-null-page",
    breaks: "HTTP-JSON",
    about: "writes an empty page as null, as Go does for a nil slice",
    handler: (real) =>
      mapResponses((response, req) => {
        const json =
          isJsonCall(req) && rpcOf(req) === "Sync" && response.status === 200 ? parse(response.body) : undefined;
        return json === undefined
          ? response
          : { ...response, body: Buffer.from(JSON.stringify({ messages: null, ...json })) };
      })(real),
  },
];
