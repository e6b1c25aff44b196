import { describe, expect, test } from "vitest";
import { headersOf } from "./headers.js";

describe("headers", () => {
  test("are given by name and value, or by name and the variable that holds it", () => {
    expect(headersOf(["X-Tenant: a: b ", "x-empty:"], ["X-Api-Key=KEY"], { KEY: "secret" })).toEqual({
      "x-tenant": "a: b",
      "x-empty": "",
      "x-api-key": "secret",
    });
  });

  test.each([
    [["no colon"], [], /want 'Name: value'/],
    [["a b: c"], [], /no name of a header/],
    [["a: b\r\nc: d"], [], /characters that no header can have/],
    [["a: b", "A: c"], [], /given twice/],
    [["Content-Type: x"], [], /set by the suite itself/],
    [[], ["Authorization=KEY"], /set by the suite itself/],
    [["X-Api-Key: abc"], [], /--header-env X-Api-Key=ENVVAR/],
    [["Cookie: abc"], [], /--header-env Cookie=ENVVAR/],
    [[], ["X-Key"], /want NAME=ENVVAR/],
    [[], ["X-Key=NONE"], /NONE is not set/],
  ])("that are wrong are refused: %j %j", (given, fromEnv, why) => {
    expect(() => headersOf(given, fromEnv, { KEY: "s3cret" })).toThrow(why);
  });

  test("are refused without telling their value", () => {
    const refused = () => headersOf([], ["X-Key=KEY"], { KEY: "s3cret\n" });
    expect(refused).toThrow(/X-Key has characters/);
    expect(refused).not.toThrow(/s3cret/);
  });
});
