import { describe, expect, test } from "vitest";
import { proxyFor, proxySettings } from "./proxy.js";

const via = (url: string, settings: Parameters<typeof proxyFor>[1]) => proxyFor(new URL(url), settings)?.href;
const both = { http: "http://plain.test:3128", https: "secure.test:8443" };

describe("proxyFor", () => {
  test("returns the proxy for the target's scheme; the proxy's own scheme is optional", () => {
    expect(via("http://a.test", both)).toBe("http://plain.test:3128/");
    expect(via("https://a.test", both)).toBe("http://secure.test:8443/");
    expect(via("https://a.test", { http: both.http })).toBeUndefined();
  });

  test.each(["http://localhost:1", "http://127.0.0.1:1", "http://127.1.2.3", "http://[::1]:1"])(
    "returns none for a loopback address: %s",
    (url) => expect(via(url, both)).toBeUndefined(),
  );

  test.each([
    ["a.test", true],
    ["other.test, a.test", true],
    [".a.test", true],
    ["*.a.test", true],
    ["test", true],
    ["A.TEST", true],
    ["*", true],
    ["a.test:80", true],
    ["a.test:81", false],
    ["b.a.test", false],
    ["xa.test", false],
    ["", false],
  ])("exempts the hosts of NO_PROXY=%s: %s", (no, isExempt) => {
    expect(via("http://a.test", { ...both, no }) === undefined).toBe(isExempt);
  });

  test("exempts the subdomains of a domain, but no other hosts that end with the same text", () => {
    expect(via("http://x.a.test", { ...both, no: "a.test" })).toBeUndefined();
    expect(via("http://xa.test", { ...both, no: "a.test" })).toBeDefined();
  });
});

test("proxySettings prefers lower-case names, and treats an empty value as none", () => {
  expect(proxySettings({ http_proxy: "one", HTTP_PROXY: "two", HTTPS_PROXY: "three", NO_PROXY: "" })).toEqual({
    http: "one",
    https: "three",
    no: undefined,
  });
});
