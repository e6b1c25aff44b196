import { bearerToken, type Caller } from "../../../../reference-server/accounts.js";
import { editRequests, errorOf, mapResponses, respondInstead, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** User agents that firewalls against robots refuse. */
const ROBOTS = /\b(curl|wget|java|okhttp|go-http-client|python|aiohttp|axios|bot)\b/i;

/** Returns the position of a header in a request; -1 if it is absent. */
const positionOf = (rawHeaders: readonly string[], name: string) =>
  rawHeaders.findIndex((header, n) => n % 2 === 0 && header.toLowerCase() === name);

/** Whether the first language of a header has a form that parsers of locales do not know. */
function hasUnknownLocale(languages = "*"): boolean {
  const first = languages.split(/[,;]/, 1)[0]?.trim() ?? "";
  if (first === "*" || first === "") return false;
  try {
    return new Intl.Locale(first).toString() === "";
  } catch {
    return true;
  }
}

/** Mutants that show only if the headers of requests vary. */
export const formHeaders: readonly Mutant[] = [
  {
    name: "forms-type-spelt-otherwise",
    breaks: "HTTP-HEADERS",
    about: "finds the content type only in a header that is spelt Content-Type or content-type",
    seenIn: "emikulic/darkhttpd#15",
    kind: "forms",
    handler: editRequests((req) => {
      const name = req.rawHeaders[positionOf(req.rawHeaders, "content-type")];
      if (name !== "Content-Type" && name !== "content-type") delete req.headers["content-type"];
    }),
  },
  {
    name: "forms-credential-after-the-length",
    breaks: "HTTP-HEADERS",
    about: "stops reading headers at the length of the body, and misses a credential that follows",
    kind: "forms",
    handler: editRequests(({ rawHeaders, headers }) => {
      const end = Math.max(positionOf(rawHeaders, "content-length"), positionOf(rawHeaders, "transfer-encoding"));
      if (end >= 0 && positionOf(rawHeaders, "authorization") > end) delete headers.authorization;
    }),
  },
  {
    name: "forms-robots-refused",
    breaks: "HTTP-HEADERS",
    about: "responds with 403 to user agents of HTTP libraries, as protection against robots does",
    seenIn: "openresty/openresty.org#14",
    kind: "forms",
    handler: respondInstead(({ method, headers }) =>
      method === "POST" && ROBOTS.test(headers["user-agent"] ?? "") ? { status: 403 } : undefined,
    ),
  },
  {
    name: "forms-errors-by-accept",
    breaks: "HTTP-HEADERS",
    about: "responds with 406 instead of an error if the Accept header does not offer JSON",
    seenIn: "OryxProject/oryx#241",
    kind: "forms",
    handler: mapResponses((response, { headers }) =>
      errorOf(response) === undefined || /\*\/\*|application\/(\*|json)/i.test(headers.accept ?? "*/*")
        ? response
        : { status: 406, headers: { "content-type": "text/plain" }, body: Buffer.from("not acceptable\n") },
    ),
  },
  {
    name: "forms-cookies-of-others",
    breaks: "HTTP-HEADERS",
    about: "fails if one of several cookies has characters other than letters, digits, hyphens and underscores",
    seenIn: "nullism/pycnic#31",
    kind: "forms",
    handler: respondInstead(({ method, headers }) =>
      method === "POST" && headers.cookie?.split(/; */).every((it) => /^[\w-]+=[\w-]+$/.test(it)) === false
        ? { status: 500, body: "illegal cookie\n" }
        : undefined,
    ),
  },
  {
    name: "forms-trace-is-a-retry",
    breaks: "HTTP-HEADERS",
    about: "answers a Send with the trace id of the sender's previous Send like that one, and drops the message",
    kind: "forms",
    handler: (real) => {
      const answers = new Map<string, Buffer>();
      const keyOf = ({ traceparent, authorization, "content-type": type }: Record<string, unknown>) =>
        typeof traceparent === "string" ? `${authorization} ${type} ${traceparent.split("-")[1]}` : undefined;
      const recording = mapResponses((response, req) => {
        const key = keyOf(req.headers);
        if (key !== undefined && rpcOf(req) === "Send" && response.status === 200) answers.set(key, response.body);
        return response;
      })(real);
      return (req, res) => {
        const answer = answers.get(keyOf(req.headers) ?? "");
        if (rpcOf(req) !== "Send" || answer === undefined) return recording(req, res);
        req.resume();
        return res
          .writeHead(200, { "content-type": req.headers["content-type"], "cache-control": "no-store" })
          .end(answer);
      };
    },
  },
  {
    name: "forms-revoked-in-one-spelling",
    breaks: "AUTH-REVOKED",
    about: "caches credentials by the whole header, and deletes only the spelling Bearer when a token is revoked",
    kind: "forms",
    handler: (real, { accounts }) => {
      const cached = new Map<string, Caller>();
      const { authenticate, revoke } = accounts;
      accounts.authenticate = (authorization) => {
        const known = cached.get(authorization ?? "");
        if (known !== undefined) return known;
        const caller = authenticate.call(accounts, authorization);
        if (bearerToken(authorization) !== undefined) cached.set(authorization ?? "", caller);
        return caller;
      };
      accounts.revoke = (token) => {
        cached.delete(`Bearer ${token}`);
        return revoke.call(accounts, token);
      };
      return real;
    },
  },
  {
    name: "forms-more-than-24-lines",
    breaks: "HTTP-HEADERS",
    about: "has room for 24 header lines, however short, and refuses a request with more",
    seenIn: "lalinsky/dusty#162",
    kind: "forms",
    handler: respondInstead(({ rawHeaders }) => (rawHeaders.length / 2 > 24 ? { status: 431 } : undefined)),
  },
  {
    name: "forms-unknown-language",
    breaks: "HTTP-HEADERS",
    about: "fails if Accept-Language has a language that no parser of locales knows, such as en_US",
    seenIn: "FusionAuth/fusionauth-issues#1958",
    kind: "forms",
    handler: respondInstead(({ headers }) =>
      hasUnknownLocale(headers["accept-language"]) ? { status: 500 } : undefined,
    ),
  },
  {
    name: "forms-percent-in-a-cookie",
    breaks: "HTTP-HEADERS",
    about: "fails if a cookie has a % that does not begin an escape",
    seenIn: "expressjs/express#1331",
    kind: "forms",
    handler: respondInstead(({ headers }) =>
      /%(?![0-9a-f]{2})/i.test(headers.cookie ?? "") ? { status: 500 } : undefined,
    ),
  },
];
