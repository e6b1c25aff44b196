import { expect, test } from "vitest";
import { poolAccounts } from "../accounts/pool.js";
import { historyLines } from "../history/file.js";
import { check } from "../run/check.js";
import type { CheckOptions } from "../run/check-options.js";
import { Secrets } from "../run/secrets.js";
import { leakingServer } from "../selftest/support/leaking-server.js";
import { serve } from "../selftest/support/serve.js";
import { renderers } from "./formats/renderers.js";
import { renderReport } from "./formats/terminal.js";

const HEADER = "key-of-the-gateway-9876543210";
const FIXTURES = "token-of-the-fixtures-112233";
const POOL = ["alpha", "beta", "gamma", "delta"].map((name) => ({
  userId: `listed-${name}`,
  token: `pool-token-of-${name}-5566778899`,
  fresh: true,
}));

/** Checks the leaking server. Returns everything that the run writes, and the tokens that must not be in it. */
async function outputOf(options: Partial<CheckOptions>): Promise<{ output: string; tokens: Set<string> }> {
  const { listener, tokens } = leakingServer([HEADER, FIXTURES, ...POOL.map(({ token }) => token)]);
  const server = await serve(listener);
  const output: string[] = [];
  try {
    const report = await check({
      urls: [server.url],
      headers: { "x-gateway": HEADER, cookie: `session=1; key ${HEADER}` },
      select: ({ id }) => /^(errors|ack|epoch)\//.test(id),
      codecs: ["proto"],
      timeoutScale: 1,
      onHistory: (name, events) => output.push(name, historyLines(events)),
      onResult: (result) => output.push(JSON.stringify(result, (_, value) => (typeof value === "bigint" ? 0 : value))),
      ...options,
    });
    for (const render of Object.values(renderers)) output.push(render(report));
    for (const detail of ["quiet", "normal", "verbose"] as const)
      output.push(renderReport(report, (_, it) => it, { detail }));
  } finally {
    await server.stop();
  }
  return { output: output.join("\n"), tokens };
}

/** The forms in which a token may appear. */
const forms = (token: string) => [token, Buffer.from(token).toString("base64"), Buffer.from(token).toString("hex")];

test.each([
  ["the fixture service", { fixtureToken: FIXTURES }, "[token of user-"],
  ["a list", { accounts: poolAccounts("list", POOL) }, "[token of listed-"],
])("no report and no history holds a token of accounts from %s", async (_, options, placeholder) => {
  const { output, tokens } = await outputOf(options);
  // The server did leak tokens, in ids, epochs and errors.
  expect(output.split(placeholder).length).toBeGreaterThan(100);
  expect([...tokens].filter((token) => forms(token).some((form) => output.includes(form)))).toEqual([]);
});

test("a secret is hidden in base64 at any offset, and in a truncated text", () => {
  const secrets = new Secrets();
  secrets.add("s3cret-of-bob-é?", "[bob]");
  for (const before of ["", "a", "ab", "abc"]) {
    for (const encoding of ["base64", "base64url"] as const) {
      const text = Buffer.from(`${before}s3cret-of-bob-é?${before}`).toString(encoding);
      expect(secrets.hide({ text }).text).toMatch(/^.{0,5}\[bob\].{0,6}$/);
    }
  }
  const cut = { text: "saw s3cret-of-…", bytes: new TextEncoder().encode("saw s3cret-of"), whole: "saw s3cret-of" };
  secrets.hide(cut);
  expect([cut.text, Buffer.from(cut.bytes).toString(), cut.whole]).toEqual([
    "saw [token]…",
    "saw [token]",
    "saw s3cret-of",
  ]);
});

test("adjacent secrets and secrets in bytes are hidden, short ones are not", () => {
  const secrets = new Secrets();
  secrets.add("aaaaaaaa", "[a]");
  secrets.add("bbbbbbbbbb", "[b]");
  secrets.add("short", "[never]");
  secrets.addHeaders({ authorization: "Bearer cccccccc" });
  const value = {
    text: "xaaaaaaaabbbbbbbbbbaaaaaaaa",
    list: ["short", "cccccccc", 7n],
    bytes: new TextEncoder().encode("\u00ffaaaaaaaa"),
  };
  expect(secrets.hide(value)).toMatchObject({ text: "x[a][b][a]", list: ["short", "[value of authorization]", 7n] });
  expect(Buffer.from(value.bytes).toString()).toBe("\u00ff[a]");
});
