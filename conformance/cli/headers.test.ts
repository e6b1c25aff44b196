import { describe, expect, test } from "vitest";
import { headersOf } from "./headers.js";

describe("headers", () => {
  test("are given by name and value, or by name and environment variable", () => {
    expect(headersOf(["X-Tenant: a: b ", "x-empty:"], ["X-Api-Key=KEY"], { KEY: "secret" })).toEqual({
      "x-tenant": "a: b",
      "x-empty": "",
      "x-api-key": "secret",
    });
  });

  test.each([
    [["no colon"], [], /expected 'Name: value'/],
    [["a b: c"], [], /not a valid header name/],
    [["a: b\r\nc: d"], [], /characters that are not allowed/],
    [["a: b", "A: c"], [], /given twice/],
    [["Content-Type: x"], [], /set by the suite itself/],
    [[], ["Authorization=KEY"], /set by the suite itself/],
    [["X-Api-Key: abc"], [], /--header-env X-Api-Key=VARIABLE/],
    [["Cookie: abc"], [], /--header-env Cookie=VARIABLE/],
    [[], ["X-Key"], /expected NAME=VARIABLE/],
    [[], ["X-Key=NONE"], /NONE is not set/],
  ])("are rejected if they are wrong: %j %j", (given, fromEnv, why) => {
    expect(() => headersOf(given, fromEnv, { KEY: "s3cret" })).toThrow(why);
  });

  test("are rejected without their value in the message", () => {
    const refused = () => headersOf([], ["X-Key=KEY"], { KEY: "s3cret\n" });
    expect(refused).toThrow(/X-Key has characters/);
    expect(refused).not.toThrow(/s3cret/);
  });
});
