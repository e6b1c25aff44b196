import { create } from "@bufbuild/protobuf";
import { type Exchange, ExchangeSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { RecordedExchange } from "../transport/exchange-log.js";
import type { HttpRequest } from "../transport/messages.js";

/** Number of exchanges that are kept: the last ones of a case, before it failed. */
const MAX_EXCHANGES = 6;
/** Maximum length of a body that is kept, in bytes. */
const MAX_BODY_BYTES = 512;

/** The last exchanges of a case. They are converted only if a report needs them. */
export class Exchanges {
  readonly #last: RecordedExchange[] = [];

  /** Adds an exchange. */
  readonly onExchange = (exchange: RecordedExchange): void => {
    this.#last.push(exchange);
    if (this.#last.length > MAX_EXCHANGES) this.#last.shift();
  };

  /** Returns the exchanges in the form of the report, without credentials. */
  toMessages(): Exchange[] {
    return this.#last.map(({ request, response }) => {
      const body = bodyOf(request.body);
      const sent = {
        request: `${request.method ?? "POST"} ${request.path}`,
        requestHeaders: linesOf(request.headers ?? {}),
        requestBody: body.slice(0, MAX_BODY_BYTES),
        requestSize: body.length,
      };
      if ("noResponse" in response) return create(ExchangeSchema, { ...sent, noResponse: response.noResponse });
      return create(ExchangeSchema, {
        ...sent,
        status: response.status,
        responseHeaders: linesOf(response.headers),
        responseBody: response.body.slice(0, MAX_BODY_BYTES),
        responseSize: response.body.length,
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

/** Keeps the text before the credential, such as the scheme: the case may test it. */
const withoutCredential = (value: string) =>
  /\s/.test(value) ? value.replace(/\S+\s*$/, "$SEQSYNC_TOKEN") : "$SEQSYNC_TOKEN";
