import { expect, test } from "vitest";
import { explain } from "./explain.js";

const error = (code: string, message = "m") => Object.assign(new Error(message), { code });

test.each([
  [error("ECONNREFUSED"), "connection refused", /running/],
  [error("ENOTFOUND"), "the host name does not exist (DNS)", /URL/],
  [error("DEPTH_ZERO_SELF_SIGNED_CERT"), "the server's TLS certificate is self-signed", /--ca/],
  [error("ERR_SSL_WRONG_VERSION_NUMBER"), "the server does not speak TLS on this port", /http:/],
  [error("ERR_SSL_SOMETHING_NEW"), "the TLS handshake failed (ERR_SSL_SOMETHING_NEW)", /http:/],
  [new AggregateError([error("ECONNREFUSED"), error("ENETUNREACH")]), "connection refused", /running/],
  [error("HPE_INVALID_CONSTANT"), "the response is not HTTP (HPE_INVALID_CONSTANT)", /https:/],
])("explains %s", (cause, why, hint) => {
  const explained = explain(cause);
  expect(explained.why).toBe(why);
  expect(explained.hint).toMatch(hint);
});

test("an unknown error is shown unchanged, with its code once", () => {
  expect(explain(error("EODD", "odd"))).toEqual({ why: "odd (EODD)" });
  expect(explain(error("EODD", "EODD: odd"))).toEqual({ why: "EODD: odd" });
  expect(explain(new Error("no connection within 4 ms"))).toEqual({ why: "no connection within 4 ms" });
});
