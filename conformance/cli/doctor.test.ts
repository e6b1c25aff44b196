/** `seqsync doctor` as a process; conformance/doctor/ has the tests of its steps. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { seqsync } from "../selftest/support/command.js";
import { nowhere } from "../selftest/support/tls.js";

const SECRET = "f1xture-s3cret";
let server: Awaited<ReturnType<typeof startReferenceServer>>;
beforeAll(async () => {
  server = await startReferenceServer({ fixtures: true, fixtureToken: SECRET });
});
afterAll(() => server.close(0));

test("ends with the command to run next, and exit code 0", async () => {
  const env = { SEQSYNC_FIXTURE_TOKEN: SECRET };
  const { code, stdout, stderr } = await seqsync(["doctor", server.url, "--no-http2", "--wait", "30"], { env });
  expect(stdout).toMatch(/^✓ GetServerInfo {2}seqsync reference server/m);
  expect(stdout).toMatch(/^✓ Watch/m);
  expect(stdout).toContain(`\nNext: npx tsx conformance/cli/main.ts check ${server.url} --no-http2`);
  expect(stdout + stderr).not.toContain(SECRET);
  expect(code).toBe(0);
});

test("marks what stands in the way, says what to do, and ends with exit code 3", async () => {
  const { code, stdout } = await seqsync(["doctor", server.url]);
  expect(stdout).toMatch(/^✗ accounts .*\n +→ put it into the environment variable SEQSYNC_FIXTURE_TOKEN$/m);
  expect(stdout).toMatch(/^– Watch +skipped: needs accounts$/m);
  expect(stdout).toMatch(/\nA run cannot work yet; mend what is marked ✗\.\n$/);
  expect(code).toBe(3);
});

test("prints JSON for several URLs", async () => {
  const url = await nowhere();
  const { code, stdout } = await seqsync(["doctor", url, url, "--json"]);
  const { ready, servers, next } = JSON.parse(stdout);
  expect({ ready, next }).toEqual({ ready: false, next: null });
  expect(servers).toHaveLength(2);
  expect(servers[1]).toMatchObject({
    url,
    steps: [{ name: "DNS", state: "ok" }, { name: "TCP", state: "problem" }, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}],
  });
  expect(code).toBe(3);
});

test("without a URL ends with exit code 2", async () => {
  const { code, stderr } = await seqsync(["doctor"]);
  expect(stderr).toMatch(/^seqsync: name the server to examine by its URL, such as http:.*\n$/);
  expect(code).toBe(2);
});
