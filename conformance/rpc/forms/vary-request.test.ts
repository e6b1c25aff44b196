import { expect, test } from "vitest";
import { SyncRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { EXTRA_HEADERS } from "./extra-headers.js";
import { FormVariation } from "./variation.js";
import { requestOf } from "./vary-request.js";

const call = {
  codec: "proto" as const,
  schema: SyncRequestSchema,
  headers: { "content-type": "application/proto", authorization: "Bearer t" },
  message: new Uint8Array([8, 1]),
  isStream: false,
};

/** The names of the headers of 300 requests that are not those of the call. */
function addedNames(given: Record<string, string>): Set<string> {
  const forms = new FormVariation(1, "a", new Set(["extra-headers", "header-case"]));
  const names = Array.from({ length: 300 }, () => requestOf(call, forms.next(), given).headers).flatMap((headers) =>
    (Array.isArray(headers) ? headers : Object.entries(headers)).map(([name]) => String(name).toLowerCase()),
  );
  return new Set(names.filter((name) => !Object.hasOwn(call.headers, name)));
}

test("a header that the user gives for every request is not added a second time", () => {
  expect(addedNames({})).toContain("cookie");
  const given = { Cookie: "a=b", "USER-AGENT": "mine" };
  const names = addedNames(given);
  expect(names).not.toContain("cookie");
  expect(names).not.toContain("user-agent");
  expect(names.size).toBeGreaterThan(Object.keys(EXTRA_HEADERS).length / 2);
});

test("a request in the plain form is the call as it is", () => {
  expect(requestOf(call, undefined)).toEqual({ headers: call.headers, body: call.message });
});
