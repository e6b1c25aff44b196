import type { IncomingMessage } from "node:http";
import { isJson, mapBodies, mapResponses, readAll, rpcOf, withBody } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

type Json = Record<string, unknown>;

const OWN = ["GetServerInfo", "Send", "Sync"];
const concerns = (req: IncomingMessage) => isJson(req) && OWN.includes(rpcOf(req));

function parse(body: Buffer): Json | undefined {
  try {
    const json: unknown = JSON.parse(body.toString());
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Changes JSON requests that are JSON objects. Undefined makes the request malformed. */
const asking = (change: (json: Json) => Json | undefined) =>
  mapBodies((body, req) => {
    const json = concerns(req) ? parse(body) : undefined;
    return json === undefined ? body : Buffer.from(JSON.stringify(change(json)) ?? "?");
  });

/** Changes JSON requests as text, whatever they are. */
const askingText = (change: (text: string) => string) =>
  mapBodies((body, req) => (concerns(req) ? Buffer.from(change(body.toString())) : body));

/** Changes successful JSON answers. */
const telling = (change: (json: Json) => Json) =>
  mapResponses((answer, req) => {
    const json = concerns(req) && answer.status === 200 ? parse(answer.body) : undefined;
    return json === undefined ? answer : { ...answer, body: Buffer.from(JSON.stringify(change(json))) };
  });

const NUMBERS = ["cliSeq", "cli_seq", "pageSize", "page_size", "svrSeq", "ackedSeq", "nextCliSeq", "seq"];

/** The same value with each number of the protocol changed, at any depth. */
function numbers(value: unknown, change: (number: number) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => numbers(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      NUMBERS.includes(name) && typeof item === "number" ? change(item) : numbers(item, change),
    ]),
  );
}

const KNOWN = [
  ["recipientId", "recipient_id", "clientMessageId", "client_message_id", "payload"],
  ["cliSeq", "cli_seq", "epoch", "pageSize", "page_size"],
].flat();

/** Faults of the chapter "HTTP binding" that only the JSON codec has. */
export const httpJson: readonly Mutant[] = [
  {
    name: "http-json-camel-case-only",
    breaks: "HTTP-JSON",
    about: "members in the form of the proto file are ignored as unknown",
    handler: asking((json) => Object.fromEntries(Object.entries(json).filter(([name]) => !name.includes("_")))),
  },
  {
    name: "http-json-time-as-number",
    breaks: "HTTP-JSON",
    about: "accepted_at of a Send is written as milliseconds",
    handler: telling((json) =>
      typeof json["acceptedAt"] === "string" ? { ...json, acceptedAt: Date.parse(json["acceptedAt"]) } : json,
    ),
  },
  {
    name: "http-json-payload-as-text",
    breaks: "HTTP-JSON",
    about: "payloads are delivered as text in place of base64",
    handler: telling((json) => {
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
    about: "numbers are written as strings, as those of 64 bits are",
    handler: telling((json) => numbers(json, String) as Json),
  },
  {
    name: "http-json-numbers-signed",
    breaks: "HTTP-JSON-NUMBERS",
    about: "numbers above 2147483647 are written as negative ones",
    seenIn: "twmb/franz-go#216",
    handler: telling((json) => numbers(json, (number) => number | 0) as Json),
  },
  {
    name: "http-json-numeric-strings-refused",
    breaks: "HTTP-JSON-NUMBERS",
    about: "a number in a string is of the wrong type",
    handler: asking((json) =>
      Object.entries(json).some(([name, value]) => NUMBERS.includes(name) && typeof value === "string")
        ? undefined
        : json,
    ),
  },
  {
    name: "http-json-unknown-refused",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "a member that is not known is malformed",
    handler: asking((json) => (Object.keys(json).every((name) => KNOWN.includes(name)) ? json : undefined)),
  },
  {
    name: "http-json-empty-body",
    breaks: "HTTP-JSON-MALFORMED",
    about: "an empty body is taken for the empty message",
    handler: askingText((text) => (text === "" ? "{}" : text)),
  },
  {
    name: "http-json-first-of-two",
    breaks: "HTTP-JSON-MALFORMED",
    about: "what follows the first object is not looked at",
    handler: askingText((text) => /^(\{[^{}]*\})/.exec(text)?.[1] ?? text),
  },
  {
    name: "http-json-wraps-numbers",
    breaks: "HTTP-JSON-MALFORMED",
    about: "a number out of range is cut to 32 bits",
    seenIn: "horazont/aioxmpp#67",
    handler: asking((json) => numbers(json, (number) => number >>> 0) as Json),
  },
  {
    name: "http-json-loose-base64",
    breaks: "HTTP-JSON-MALFORMED",
    about: "characters that are not base64 are passed over",
    handler: asking((json) => {
      const { payload } = json;
      return typeof payload === "string"
        ? { ...json, payload: Buffer.from(payload, "base64").toString("base64") }
        : json;
    }),
  },
  {
    name: "send-json-counts-characters",
    breaks: "SEND-SIZES",
    about: "in JSON max_payload_bytes bounds the base64 text",
    handler: asking((json) => (String(json["payload"] ?? "").length > 65_536 ? undefined : json)),
  },
  {
    name: "sync-json-base-is-cli-seq",
    breaks: "SYNC-BASE",
    about: "in JSON acked_seq is what the device said, whatever is acked",
    handler: (real) => {
      const asked = new WeakMap<object, unknown>();
      const told = mapResponses((answer, req) => {
        const json = answer.status === 200 && asked.has(req) ? parse(answer.body) : undefined;
        if (json === undefined) return answer;
        return { ...answer, body: Buffer.from(JSON.stringify({ ...json, ackedSeq: asked.get(req) })) };
      });
      return async (req, res) => {
        if (!isJson(req) || rpcOf(req) !== "Sync") return real(req, res);
        const body = await readAll(req);
        if (body === undefined) return undefined;
        const again = withBody(req, body);
        const cliSeq = parse(body)?.["cliSeq"];
        if (typeof cliSeq === "number" && cliSeq > 0) asked.set(again, cliSeq);
        return told(real)(again, res);
      };
    },
  },
  {
    name: "http-json-limit-as-text",
    breaks: "HTTP-JSON-NUMBERS",
    about: "max_payload_bytes is written as a string, as if it had 64 bits",
    handler: mapResponses((answer, req) => {
      if (!isJson(req) || answer.status !== 200) return answer;
      const text = answer.body.toString().replace(/"maxPayloadBytes":(\d+)/, '"maxPayloadBytes":"$1"');
      return { ...answer, body: Buffer.from(text) };
    }),
  },
  {
    name: "http-json-names-without-case",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "names of members are compared without regard to case, as Go's encoding/json does",
    handler: asking((json) => {
      const known = (name: string) => KNOWN.find((it) => it.toLowerCase() === name.toLowerCase()) ?? name;
      return Object.fromEntries(Object.entries(json).map(([name, value]) => [known(name), value]));
    }),
  },
  {
    name: "http-json-prototype",
    breaks: "HTTP-JSON-UNKNOWN",
    about: "members of a member __proto__ are those of the request, as when objects are merged in JavaScript",
    handler: asking((json) => {
      const inherited = Object.getOwnPropertyDescriptor(json, "__proto__")?.value as object | undefined;
      return { ...inherited, ...json };
    }),
  },
  {
    name: "http-json-false-is-zero",
    breaks: "HTTP-JSON-MALFORMED",
    about: "where a number is due, false is 0, as JavaScript says",
    handler: asking((json) =>
      Object.fromEntries(
        Object.entries(json).map(([name, value]) => [name, NUMBERS.includes(name) && value === false ? 0 : value]),
      ),
    ),
  },
  {
    name: "http-json-text-of-unknown-members",
    breaks: "HTTP-JSON-MALFORMED",
    about: "only what is known has to be UTF-8: all else is passed over unread",
    handler: mapBodies((body, req) => {
      const json = concerns(req) ? parse(body) : undefined;
      const known = Object.entries(json ?? {}).filter(([name]) => KNOWN.includes(name));
      // As a lenient reader has it: U+FFFD for what is wrong.
      const isRead = json !== undefined && !JSON.stringify(known).includes("\ufffd");
      return isRead ? Buffer.from(JSON.stringify(Object.fromEntries(known))) : body;
    }),
  },
  {
    name: "http-json-array-of-one",
    breaks: "HTTP-JSON-MALFORMED",
    about: "a Send's object within an array is taken, as by Jackson's UNWRAP_SINGLE_VALUE_ARRAYS",
    handler: mapBodies((body, req) =>
      concerns(req) && rpcOf(req) === "Send" ? Buffer.from(body.toString().replace(/^\[(.*)\]$/s, "$1")) : body,
    ),
  },
  {
    name: "http-json-surrogate-pairs",
    breaks: "HTTP-JSON",
    about: "an escaped pair, such as \\ud83d\\ude00, is read as two characters, which cannot be",
    handler: mapBodies((body, req) => {
      if (!concerns(req)) return body;
      const text = body.toString("latin1").replace(/\\ud[89ab]..\\ud[c-f]../gi, "\\ufffd\\ufffd");
      return Buffer.from(text, "latin1");
    }),
  },
  {
    name: "http-json-null-recipient",
    breaks: "HTTP-JSON",
    about: "null for recipient_id is of the wrong type",
    handler: asking((json) => (json["recipientId"] === null ? undefined : json)),
  },
  {
    name: "http-json-escaped-slash",
    breaks: "HTTP-JSON",
    about: "an escaped slash, as PHP writes it, is no base64",
    handler: mapBodies((body, req) => (concerns(req) && body.includes("\\/") ? Buffer.from("?") : body)),
  },
  {
    name: "http-json-time-without-its-zeros",
    breaks: "HTTP-JSON",
    about: "zeros at the end of a fraction are left out, as by Go's RFC3339Nano: 00.25Z",
    handler: mapResponses((answer, req) => {
      if (!concerns(req) || answer.status !== 200) return answer;
      const text = answer.body.toString().replace(/(:\d\d)(\.\d*?)0+Z"/g, '$1$2Z"');
      return { ...answer, body: Buffer.from(text.replaceAll('.Z"', 'Z"')) };
    }),
  },
  {
    name: "http-json-null-page",
    breaks: "HTTP-JSON",
    about: "an empty page is written as null, as Go does with a slice that there is not",
    handler: (real) =>
      mapResponses((answer, req) => {
        const json = concerns(req) && rpcOf(req) === "Sync" && answer.status === 200 ? parse(answer.body) : undefined;
        return json === undefined
          ? answer
          : { ...answer, body: Buffer.from(JSON.stringify({ messages: null, ...json })) };
      })(real),
  },
];
