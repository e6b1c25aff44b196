import { type Answer, interceptResponses, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Faults of the chapter "Send" that come from what stands in front of a server, and knows requests again by their headers. */
export const sendHeaders: readonly Mutant[] = [
  {
    name: "send-by-idempotency-key",
    breaks: "SEND-VISIBLE",
    about: "a gateway gives a Send with an Idempotency-Key that it knows the first one's answer, whatever is in it",
    handler: (real) => {
      const kept = new Map<string, Answer>();
      const deliver = (res: Parameters<typeof real>[1], { status, headers, body }: Answer) =>
        void res.writeHead(status, headers).end(body);
      const keyOf = ({ headers }: Parameters<typeof real>[0]) =>
        headers["idempotency-key"] === undefined
          ? undefined
          : `${headers.authorization} ${headers["content-type"]} ${headers["idempotency-key"]}`;
      const keeping = interceptResponses((answer, req, res) => {
        const key = keyOf(req);
        if (key !== undefined && answer.status === 200) kept.set(key, answer);
        for (const name of res.getHeaderNames()) res.removeHeader(name);
        deliver(res, answer);
      })(real);
      return (req, res) => {
        const before = rpcOf(req) === "Send" ? kept.get(keyOf(req) ?? "") : undefined;
        if (before === undefined) return keeping(req, res);
        req.resume();
        return deliver(res, before);
      };
    },
  },
];
