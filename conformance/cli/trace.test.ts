import { expect, test } from "vitest";
import { Exchanges } from "../history/exchanges.js";
import { traceLines } from "./trace.js";

test("a traced exchange has its client, times, headers and bodies, escaped and without credentials", () => {
  let now = 1000n;
  const lines: string[] = [];
  const exchanges = new Exchanges(
    () => now,
    (exchange) => lines.push(...traceLines("ack/a", exchange)),
  );
  exchanges.setAccounts([{ name: "bob", userId: "user-bob", token: "a-token-of-bob" }]);
  const handle = exchanges.begin({ path: "/Sync", headers: { authorization: "Bearer a-token-of-bob" } });
  now = 3500n;
  handle.head(200, { "content-type": "application/json", "x-odd": "\u001b[31m" });
  handle.data(Buffer.from('{"svrSeq":5}'));
  handle.end();
  expect(lines).toEqual([
    "[ack/a #1] bob: POST /Sync (sent at 1.0 ms, took 2.5 ms)",
    "  authorization: Bearer $SEQSYNC_TOKEN",
    "",
    "  (no body)",
    "",
    "  HTTP 200",
    "  content-type: application/json",
    "  x-odd: \\u001b[31m",
    "",
    '  {"svrSeq":5}',
  ]);
});
