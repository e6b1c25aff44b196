import type { Exchange } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";

/** Describes an exchange in one line. */
export function exchangeSummary({
  request,
  requestHeaders,
  requestSize,
  status,
  responseHeaders,
  responseSize,
  noResponse,
}: Exchange) {
  const sent = `${request} (${[typeOf(requestHeaders), `${requestSize} B`].filter(Boolean).join(", ")})`;
  if (noResponse !== "") return `${sent}: no response: ${noResponse}`;
  return `${sent}: HTTP ${status} (${[typeOf(responseHeaders), `${responseSize} B`].filter(Boolean).join(", ")})`;
}

/** Shows an exchange in full: headers as text, each body as text if it is text and otherwise as a hex dump. */
export function exchangeLines(exchange: Exchange): string[] {
  const {
    request,
    requestHeaders,
    requestBody,
    requestSize,
    status,
    responseHeaders,
    responseBody,
    responseSize,
    noResponse,
  } = exchange;
  const response =
    noResponse === ""
      ? [`HTTP ${status}`, ...responseHeaders, "", ...bodyLines(responseBody, responseSize)]
      : [`no response: ${noResponse}`];
  return [request, ...requestHeaders, "", ...bodyLines(requestBody, requestSize), "", ...response];
}

const typeOf = (headers: readonly string[]) => /^content-type: *(.*)$/im.exec(headers.join("\n"))?.[1] ?? "";

function bodyLines(body: Uint8Array, size: number): string[] {
  if (size === 0) return ["(no body)"];
  const text = textOf(body);
  const lines = text === undefined ? hexDump(body) : text.split("\n");
  return size > body.length ? [...lines, `… ${size} bytes in total`] : lines;
}

/** The body as text, unless it has control characters or is not UTF-8. A truncated body may end within a character. */
function textOf(body: Uint8Array): string | undefined {
  const text = Buffer.from(body)
    .toString("utf8")
    .replace(/\ufffd$/, "");
  return /(?![\n\r\t])\p{Cc}|\ufffd/u.test(text) ? undefined : text;
}

/** A hex dump with eight bytes a line, to fit the width of a phone. */
function hexDump(bytes: Uint8Array): string[] {
  return Array.from({ length: Math.ceil(bytes.length / 8) }, (_, index) => {
    const row = [...bytes.subarray(index * 8, index * 8 + 8)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    return `${(index * 8).toString(16).padStart(3, "0")}  ${hex.padEnd(23)}  ${text}`;
  });
}
