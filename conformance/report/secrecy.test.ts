import { expect, test } from "vitest";
import { poolAccounts } from "../accounts/pool.js";
import { historyLines } from "../history/file.js";
import { type RunOptions, run } from "../run/run.js";
import { Secrets } from "../run/secrets.js";
import { indiscreetServer } from "../selftest/support/leaking-server.js";
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

/** A run against a server that answers nothing but the tokens that it is sent, and everything that is kept of the run. */
async function everythingKept(options: Partial<RunOptions>): Promise<{ kept: string; tokens: Set<string> }> {
  const { listener, tokens } = indiscreetServer([HEADER, FIXTURES, ...POOL.map(({ token }) => token)]);
  const server = await serve(listener);
  const kept: string[] = [];
  try {
    const report = await run({
      urls: [server.url],
      headers: { "x-gateway": HEADER, cookie: `session=1; key ${HEADER}` },
      select: ({ id }) => /^(errors|ack|epoch)\//.test(id),
      codecs: ["proto"],
      timeoutScale: 1,
      onHistory: (name, events) => kept.push(name, historyLines(events)),
      onResult: (result) => kept.push(JSON.stringify(result, (_, value) => (typeof value === "bigint" ? 0 : value))),
      ...options,
    });
    for (const render of Object.values(renderers)) kept.push(render(report));
    for (const detail of ["quiet", "normal", "verbose"] as const)
      kept.push(renderReport(report, (_, it) => it, { detail }));
  } finally {
    await server.stop();
  }
  return { kept: kept.join("\n"), tokens };
}

/** A token may also stand there as bytes. */
const forms = (token: string) => [token, Buffer.from(token).toString("base64"), Buffer.from(token).toString("hex")];

test.each([
  ["the fixture service", { fixtureToken: FIXTURES }, "[token of user-"],
  ["a list", { accounts: async () => poolAccounts("list", POOL) }, "[token of listed-"],
])(
  "no report and no history holds a token of accounts from %s, whatever the server answers",
  async (_, options, instead) => {
    const { kept, tokens } = await everythingKept(options);
    // The server did say them, in ids, epochs and errors: otherwise nothing would have been tried.
    expect(kept.split(instead).length).toBeGreaterThan(100);
    expect([...tokens].filter((token) => forms(token).some((form) => kept.includes(form)))).toEqual([]);
  },
);

test("a secret is found in base64 wherever it stands, and at the end of what was cut off", () => {
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

test("secrets are found next to each other and in bytes, and short ones are left alone", () => {
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
