import { describe, expect, it } from "vitest";
import { reportJson } from "../../report/formats/json.js";
import { check } from "../../run/check.js";
import { listenHostile } from "./hostile-server.js";
import { HOSTILE_SERVERS } from "./servers.js";

/** Runs the cases whose ids begin like this against a hostile server. */
async function checkHostile(name: string, only: string) {
  const server = HOSTILE_SERVERS.find((it) => it.name === name);
  if (server === undefined) throw new Error(`there is no hostile server "${name}"`);
  const { url, stop } = await listenHostile(server);
  try {
    const report = await check({ urls: [url], select: ({ id }) => id.startsWith(only) });
    // Whatever the server sent, the report can be written.
    expect(reportJson(report)).toContain('"verdict"');
    const messages = report.cases
      .flatMap(({ findings }) => findings)
      .map((it) => `${it.requirement} ${it.message} ${it.actual}`);
    return { headline: report.headline, messages, errors: report.counts?.error };
  } finally {
    stop();
  }
}

describe("the suite is not harmed by, and blames", () => {
  it.each([
    ["an endless body after the first contact", "ack/", /larger than \d+ bytes, the most that the suite reads/],
    [
      "pages of millions of tiny messages",
      "ack/worked",
      /more than \d+ (fields|values), the most that the suite reads/,
    ],
    ["accepted_at out of range", "ack/worked", /accepted_at is -?\d+ s and -?\d+ ns, which is not a Timestamp/],
    ["a dedup_window of 2^63-1 seconds", "info/window", /INFO-WINDOW dedup_window is out of range/],
    ["a dedup_window of negative nanoseconds", "info/window", /INFO-WINDOW dedup_window is out of range/],
    ["a gzip bomb", "ack/worked", /larger than \d+ bytes/],
    ["megabytes of text in ids and epochs", "ack/worked", /./],
  ])("%s", async (name, only, line) => {
    const { headline, messages, errors } = await checkHostile(name, only);
    expect(errors).toBe(0);
    expect([headline, ...messages].join("\n")).toMatch(line);
  });
});
