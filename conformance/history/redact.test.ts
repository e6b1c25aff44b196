import { expect, test } from "vitest";
import { redactedHeader, redactedRequest } from "./redact.js";

/** Tokens with a long part in common at both ends, as signed tokens may have. */
const [BOB, ALICE] = ["eyJhbGciOiJFZERTQSJ9.bob-3f9a.signature", "eyJhbGciOiJFZERTQSJ9.alice-77.signature"];
const ACCOUNTS = [{ token: BOB }, { token: ALICE }];

const shown = (value: string, accounts = ACCOUNTS) => redactedHeader(["authorization", value], accounts);

test.each([BOB, ALICE])("the token of any account is replaced as a whole: %s", (token) => {
  expect(shown(`bearer  ${token}`)).toBe("authorization: bearer  $SEQSYNC_TOKEN");
  expect(redactedHeader(["x-copy", token], ACCOUNTS)).toBe("x-copy: $SEQSYNC_TOKEN");
});

test("a changed token is described by the account whose token it resembles most", () => {
  expect(shown(`Bearer ${ALICE}x`)).toBe("authorization: Bearer $SEQSYNC_TOKENx");
  expect(shown(`Bearer ${ALICE.slice(0, -3)}`)).toBe(
    "authorization: Bearer [the first 36 of the 39 characters of the token]",
  );
  expect(shown(`Bearer ${ALICE.slice(3)}`)).toBe(
    "authorization: Bearer [the last 36 of the 39 characters of the token]",
  );
  expect(shown(`Bearer ${ALICE.toUpperCase()}`)).toBe("authorization: Bearer [the token in upper case]");
  expect(shown(`Bearer ${[...ALICE].reverse().join("")}`)).toBe("authorization: Bearer [the token backwards]");
  for (const odd of [ALICE.slice(0, -3), ALICE.slice(3), ALICE.replace("alice", "alicf")])
    expect(shown(`Bearer ${odd}`)).not.toContain("alice");
});

test("values that are no credentials are kept, and all of a credential is hidden while no token is known", () => {
  expect(redactedHeader(["content-type", "application/proto"], ACCOUNTS)).toBe("content-type: application/proto");
  expect(shown("Basic YWxpY2U=")).toBe("authorization: Basic YWxpY2U=");
  expect(shown("Basic YWxpY2U=", [])).toBe("authorization: Basic $SEQSYNC_TOKEN");
});

test("a request as it was written has no credential in its head", () => {
  const request = Buffer.from(`POST /x HTTP/1.1\r\nAuthorization: Bearer ${ALICE}\r\n\r\nbody`);
  expect(Buffer.from(redactedRequest(request, 2, ACCOUNTS)).toString()).toBe(
    "POST /x HTTP/1.1\r\nAuthorization: Bearer $SEQSYNC_TOKEN\r\n\r\nbo",
  );
});
