import { editRequests, respondInstead } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Mutants of the chapter "HTTP binding": names of headers, and headers that have no meaning. */
export const httpHeaders: readonly Mutant[] = [
  {
    name: "http-header-names-with-case",
    breaks: "HTTP-HEADERS",
    about: "finds the credential only in a header that is spelt Authorization or authorization",
    handler: editRequests((req) => {
      const isKnown = req.rawHeaders.some((name) => name === "Authorization" || name === "authorization");
      if (!isKnown) delete req.headers.authorization;
    }),
  },
  {
    name: "http-cookie-without-a-token",
    breaks: "HTTP-HEADERS",
    about: "responds with 403 to a request that has a cookie but no X-CSRF-Token, as web frameworks do for forms",
    handler: respondInstead(({ method, headers }) =>
      method === "POST" && headers.cookie !== undefined && headers["x-csrf-token"] === undefined
        ? { status: 403, body: "CSRF verification failed\n" }
        : undefined,
    ),
  },
  {
    name: "http-foreign-origin",
    breaks: "HTTP-HEADERS",
    about: "responds with 403 to a request whose Origin is not the server's own, as CORS filters do",
    handler: respondInstead(({ method, headers }) =>
      method === "POST" && headers.origin !== undefined && headers.origin !== `http://${headers.host}`
        ? { status: 403, body: "Invalid CORS request\n" }
        : undefined,
    ),
  },
];
