import { expect, test } from "vitest";
import { explain } from "./explain.js";

const error = (code: string, message = "m") => Object.assign(new Error(message), { code });

test.each([
  [error("ECONNREFUSED"), "connection refused", /running/],
  [error("ENOTFOUND"), "its name is not known (DNS)", /URL/],
  [error("DEPTH_ZERO_SELF_SIGNED_CERT"), "its TLS certificate is self-signed", /--ca/],
  [error("ERR_SSL_WRONG_VERSION_NUMBER"), "it does not speak TLS there", /http:/],
  [error("ERR_SSL_SOMETHING_NEW"), "the TLS handshake failed (ERR_SSL_SOMETHING_NEW)", /https:/],
  [new AggregateError([error("ECONNREFUSED"), error("ENETUNREACH")]), "connection refused", /running/],
  [error("HPE_INVALID_CONSTANT"), "the answer is not HTTP (HPE_INVALID_CONSTANT)", /https:/],
])("explains %s", (given, why, hint) => {
  const explained = explain(given);
  expect(explained.why).toBe(why);
  expect(explained.hint).toMatch(hint);
});

test("shows what it does not know, with its code once", () => {
  expect(explain(error("EODD", "odd"))).toEqual({ why: "odd (EODD)" });
  expect(explain(error("EODD", "EODD: odd"))).toEqual({ why: "EODD: odd" });
  expect(explain(new Error("no connection within 4 ms"))).toEqual({ why: "no connection within 4 ms" });
});
