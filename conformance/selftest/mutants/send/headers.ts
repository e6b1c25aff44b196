import { type HttpResponse, interceptResponses, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Mutants of the chapter "Send": gateways that recognise retries by headers. */
export const sendHeaders: readonly Mutant[] = [
  {
    name: "send-by-idempotency-key",
    breaks: "SEND-VISIBLE",
    about: "repeats the first response to an Idempotency-Key, whatever the new Send contains",
    handler: (real) => {
      const cache = new Map<string, HttpResponse>();
      const deliver = (res: Parameters<typeof real>[1], { status, headers, body }: HttpResponse) =>
        void res.writeHead(status, headers).end(body);
      const keyOf = ({ headers }: Parameters<typeof real>[0]) =>
        headers["idempotency-key"] === undefined
          ? undefined
          : `${headers.authorization} ${headers["content-type"]} ${headers["idempotency-key"]}`;
      const recording = interceptResponses((response, req, res) => {
        const key = keyOf(req);
        if (key !== undefined && response.status === 200) cache.set(key, response);
        for (const name of res.getHeaderNames()) res.removeHeader(name);
        deliver(res, response);
      })(real);
      return (req, res) => {
        const cached = rpcOf(req) === "Send" ? cache.get(keyOf(req) ?? "") : undefined;
        if (cached === undefined) return recording(req, res);
        req.resume();
        return deliver(res, cached);
      };
    },
  },
];
