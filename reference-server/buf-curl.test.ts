import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "./testing/http.js";

const root = join(import.meta.dirname, "..");
const buf = join(root, "node_modules/.bin/buf");

let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve();
});
afterAll(() => server.close(0));

/**
 * Runs `buf curl` with the schema of `proto/`, and returns the JSON of standard output or, after an error, of standard
 * error.
 */
async function curl(method: string, data: object, as: string): Promise<{ code: number; json: unknown }> {
  const url = `${server.url}/seqsync.v1.SeqSyncService/${method}`;
  const args = [
    "curl",
    "--schema",
    "proto",
    "--data",
    JSON.stringify(data),
    "--header",
    `Authorization: Bearer ${as}`,
    url,
  ];
  try {
    const { stdout } = await promisify(execFile)(buf, args, { cwd: root });
    return { code: 0, json: JSON.parse(stdout) };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, json: JSON.parse(stderr) };
  }
}

describe.skipIf(!existsSync(buf))("buf curl with the schema", () => {
  test("makes a call", async () => {
    const sent = await curl("Send", { recipientId: "bob", clientMessageId: "m-1", payload: "aGk=" }, "alice");
    expect(sent).toMatchObject({ code: 0, json: { acceptedAt: expect.stringMatching(/Z$/) } });
    expect(await curl("Sync", { cliSeq: 0, pageSize: 10 }, "bob")).toMatchObject({
      code: 0,
      json: { svrSeq: 1, nextCliSeq: 1, messages: [{ seq: 1, senderId: "alice", payload: "aGk=" }] },
    });
  });

  test("shows a refusal with its detail", async () => {
    const { code, json } = await curl("Sync", { cliSeq: 300 }, "carol");
    expect(code).not.toBe(0);
    expect(json).toMatchObject({
      code: "out_of_range",
      details: [{ type: "seqsync.v1.ErrorDetail", debug: { reason: "REASON_CLI_SEQ_AHEAD" } }],
    });
    expect(await curl("Sync", {}, "nobody")).toMatchObject({ json: { code: "unauthenticated" } });
  });
});
