import { create } from "@bufbuild/protobuf";
import { type Exchange, ExchangeSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { RecordedExchange } from "../transport/exchange-log.js";
import type { HttpRequest } from "../transport/messages.js";

/** How many exchanges of a case are kept: those at its end, where it failed. */
const KEPT = 6;
/** How much of a body is kept, in bytes. */
const SHOWN = 512;

/** The last exchanges of a case, kept as they are until somebody wants to see them. */
export class Exchanges {
  readonly #last: RecordedExchange[] = [];

  /** Keeps the next one. */
  readonly onExchange = (exchange: RecordedExchange): void => {
    this.#last.push(exchange);
    if (this.#last.length > KEPT) this.#last.shift();
  };

  /** As a report holds them, without credentials. */
  toMessages(): Exchange[] {
    return this.#last.map(({ request, answer }) => {
      const sent = bodyOf(request.body);
      const asked = {
        request: `${request.method ?? "POST"} ${request.path}`,
        requestHeaders: linesOf(request.headers ?? {}),
        requestBody: sent.slice(0, SHOWN),
        requestSize: sent.length,
      };
      if ("noResponse" in answer) return create(ExchangeSchema, { ...asked, noResponse: answer.noResponse });
      return create(ExchangeSchema, {
        ...asked,
        status: answer.status,
        responseHeaders: linesOf(answer.headers),
        responseBody: answer.body.slice(0, SHOWN),
        responseSize: answer.body.length,
      });
    });
  }
}

function bodyOf(body: HttpRequest["body"]): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : Buffer.concat([...body]);
}

function linesOf(headers: NonNullable<HttpRequest["headers"]>): string[] {
  const pairs = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
  return pairs.map(([name, value]) => `${name}: ${isSecret(name) ? withoutCredential(value) : value}`);
}

const isSecret = (name: string) => /^(proxy-)?authorization$|^cookie$/i.test(name);

/** What stands before the credential is worth seeing: it may be what the case is about. */
const withoutCredential = (value: string) =>
  /\s/.test(value) ? value.replace(/\S+\s*$/, "$SEQSYNC_TOKEN") : "$SEQSYNC_TOKEN";
