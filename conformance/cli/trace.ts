import type { Exchange } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { exchangeLines } from "../report/model/exchange.js";

/** The lines that --trace prints for an exchange of a case: who, when, and everything sent and received. */
export function traceLines(caseId: string, exchange: Exchange): string[] {
  const { number, client, sentAtMicros, endedAtMicros } = exchange;
  const time = (micros: bigint) => (Number(micros) / 1000).toFixed(1);
  const took = `sent at ${time(sentAtMicros)} ms, took ${time(endedAtMicros - sentAtMicros)} ms`;
  const [head = "", ...rest] = exchangeLines(exchange);
  return [`[${caseId} #${number}] ${client}: ${head} (${took})`, ...rest.map((line) => `  ${line}`)].map((line) =>
    printable(line).trimEnd(),
  );
}
