import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import {
  describeResponse,
  emptyBody,
  expectResponse,
  METHOD,
  type RawCall,
  rawCall,
  rawRetryingUnlessLate,
} from "../harness/raw-calls.js";
import { durationProblem } from "../history/times.js";
import type { RequirementId } from "../requirements/requirements.js";
import { parseError } from "../rpc/connect.js";
import { envelope } from "../rpc/envelope.js";

/** Cases of the chapter "Server info". */
export const info: readonly Case[] = [
  {
    // § INFO-OPEN: A server MUST serve `GetServerInfo` without a credential, and MUST NOT refuse it for a credential
    // § that it does not know.
    id: "info/open-to-everybody",
    title: "GetServerInfo is served without a credential, and with an unknown, a malformed and a valid one",
    requirements: ["INFO-OPEN"],
    async run(t: Context) {
      const { bob } = t;
      const values = [undefined, "Bearer nobodys", "Bearer ", "Basic Ym9iOmJvYg==", "nonsense", `Bearer ${bob.token}`];
      for (const authorization of values) {
        const call = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
        const response = await rawCall(t, "INFO-OPEN", { ...call, headers: authorization ? { authorization } : {} });
        const scheme = authorization?.split(" ", 1)[0];
        const what = `GetServerInfo ${scheme === undefined ? "without a credential" : `with ${scheme} …`}`;
        const reported = expectResponse(t, "INFO-OPEN", METHOD.GetServerInfo.output, response, what);
        t.fields(
          reported,
          { specVersion: t.info.specVersion },
          "INFO-OPEN",
          `${what} returned a different spec_version`,
        );
      }
    },
  },
  {
    // § INFO-VERSION: `spec_version` MUST be `1.0`.
    id: "info/version",
    title: "GetServerInfo returns spec_version 1.0",
    requirements: ["INFO-VERSION"],
    async run(t: Context) {
      t.fields(
        await getServerInfo(t, "INFO-VERSION"),
        { specVersion: "1.0" },
        "INFO-VERSION",
        "spec_version is not 1.0",
      );
    },
  },
  {
    // § INFO-CORE: `profiles` MUST hold `PROFILE_CORE`, MUST NOT hold `PROFILE_UNSPECIFIED`, and MUST NOT hold any
    // § value twice.
    id: "info/profiles",
    title: "GetServerInfo declares CORE, no profile twice, and not PROFILE_UNSPECIFIED",
    requirements: ["INFO-CORE"],
    async run(t: Context) {
      const { profiles } = await getServerInfo(t, "INFO-CORE");
      const declared = profiles.map((profile) => Profile[profile] ?? profile).join(", ");
      const [hasCore, hasUnspecified] = [profiles.includes(Profile.CORE), profiles.includes(Profile.UNSPECIFIED)];
      t.that(
        hasCore,
        "INFO-CORE",
        "the profiles do not hold PROFILE_CORE",
        "profiles: with PROFILE_CORE",
        `profiles: ${declared}`,
      );
      t.that(
        !hasUnspecified,
        "INFO-CORE",
        "the profiles hold PROFILE_UNSPECIFIED",
        "profiles: without PROFILE_UNSPECIFIED",
        `profiles: ${declared}`,
      );
      t.equal({ profiles }, { profiles: [...new Set(profiles)] }, "INFO-CORE", "a profile is declared twice");
    },
  },
  {
    // § INFO-LIMITS: `max_page_size` and `max_payload_bytes` MUST each be at least 1.
    id: "info/limits",
    title: "max_page_size and max_payload_bytes are at least 1, and a payload of 1 byte is delivered in a page of 1",
    requirements: ["INFO-LIMITS"],
    async run(t: Context) {
      const { bob, alice } = t;
      const { maxPageSize, maxPayloadBytes } = await getServerInfo(t, "INFO-LIMITS");
      for (const [name, value] of Object.entries({ max_page_size: maxPageSize, max_payload_bytes: maxPayloadBytes })) {
        if (value < 1) t.fail("INFO-LIMITS", `${name} is below 1`, `${name}: at least 1`, `${name}: ${value}`);
      }
      const sent = await alice.send(bob, "x");
      const violation = "a page with page_size 1 does not hold the message";
      t.page(await bob.device().sync({ pageSize: 1 }), bob.base + 1, [sent], "INFO-LIMITS", violation);
    },
  },
  {
    // § INFO-WINDOW: `dedup_window` MUST be set and above zero.
    id: "info/window",
    title: "dedup_window is above zero, and an immediate retry creates no message",
    requirements: ["INFO-WINDOW"],
    async run(t: Context) {
      const { bob, alice } = t;
      const { dedupWindow } = await getServerInfo(t, "INFO-WINDOW");
      const problem = dedupWindow && durationProblem(dedupWindow);
      if (problem !== undefined) t.fail("INFO-WINDOW", "dedup_window is out of range", "a Duration", problem);
      const nanos = (dedupWindow?.seconds ?? 0n) * 1_000_000_000n + BigInt(dedupWindow?.nanos ?? 0);
      if (nanos <= 0n)
        t.fail(
          "INFO-WINDOW",
          "dedup_window is not above zero",
          "dedup_window: above zero",
          dedupWindow ? `dedup_window: ${nanos} ns` : "dedup_window: absent",
        );
      // A short window may end before the retry arrives.
      if (nanos < 10_000_000_000n) return;
      const sent = await alice.send(bob);
      await alice.send(bob, sent.payload, { id: sent.clientMessageId });
      t.page(await bob.device().sync(), bob.base + 1, [sent], "SEND-RETRY", "a retry created a message");
    },
  },
  {
    // § INFO-UNDECLARED: A server that does not declare JSON MUST respond with HTTP status 415 to the JSON content
    // § types at the RPCs that it has, and a server that does not declare WATCH MUST respond to Watch with the code
    // § `unimplemented`, or with HTTP status 404 or 415.
    id: "info/undeclared-json",
    title: "A server that does not declare JSON responds to calls in JSON with 415 and does not carry them out",
    requirements: ["INFO-UNDECLARED", "HTTP-MEDIA-TYPE"],
    undeclared: "JSON",
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const id = t.newId();
      const send = { recipientId: bob.userId, clientMessageId: id, payload: Buffer.from("hi") };
      const sync = { cliSeq: bob.base + 1, epoch: "", pageSize: 0 };
      const calls: RawCall[] = [
        { rpc: "GetServerInfo", body: Buffer.from("{}") },
        { rpc: "Send", by: alice, body: json({ ...send, payload: "aGk=" }), intendedEffect: { send } },
        { rpc: "Sync", by: bob, body: json(sync), intendedEffect: { sync } },
      ];
      await t.unchanged(bob, "INFO-UNDECLARED", "a call in JSON", async () => {
        for (const contentType of ["application/json", "application/json; charset=utf-8"]) {
          for (const call of calls) {
            const response = await rawCall(t, "INFO-UNDECLARED", { ...call, contentType });
            const violation = `${call.rpc} in ${contentType} was not refused with HTTP status 415`;
            t.fields(response, { status: 415 }, "INFO-UNDECLARED", violation);
          }
        }
        if (!t.info.profiles.includes(Profile.WATCH)) return;
        const watch: RawCall = {
          rpc: "Watch",
          by: bob,
          contentType: "application/connect+json",
          body: envelope(json({})),
        };
        const result = await rawRetryingUnlessLate(t, watch);
        const actual = result.kind === "response" ? describeResponse(result.value) : result.why;
        const fits = result.kind === "response" && result.value.status === 415;
        if (!fits)
          t.fail(
            "INFO-UNDECLARED",
            "Watch in application/connect+json was not refused with HTTP status 415",
            "HTTP status 415",
            actual,
          );
      });
    },
  },
  {
    id: "info/undeclared-watch",
    title: "A server that does not declare WATCH responds to Watch with unimplemented, 404 or 415",
    requirements: ["INFO-UNDECLARED"],
    undeclared: "WATCH",
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const result = await rawRetryingUnlessLate(t, {
        rpc: "Watch",
        by: bob,
        body: envelope(emptyBody(t.session.codec)),
      });
      const expected = "the code unimplemented, or HTTP status 404 or 415";
      if (result.kind === "no-response")
        return t.fail(
          "INFO-UNDECLARED",
          "a Watch got no response from a server that does not declare WATCH",
          expected,
          result.why,
        );
      const response = result.value;
      const fits = [404, 415].includes(response.status) || codeOf(response) === "unimplemented";
      if (!fits)
        t.fail(
          "INFO-UNDECLARED",
          "a server that does not declare WATCH accepted a Watch, or refused it with another error than specified",
          expected,
          describeResponse(response),
        );
    },
  },
];

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

async function getServerInfo(t: Context, requirement: RequirementId): Promise<GetServerInfoResponse> {
  const response = await rawCall(t, requirement, { rpc: "GetServerInfo", body: emptyBody(t.session.codec) });
  return expectResponse(t, requirement, METHOD.GetServerInfo.output, response, "GetServerInfo");
}

/** The code of a refusal, from the body or from the only envelope of a stream. */
function codeOf({
  status,
  refusal,
  body,
}: {
  status: number;
  refusal: { code: string } | undefined;
  body: Uint8Array;
}) {
  if (refusal !== undefined || status !== 200 || body[0] !== 2) return refusal?.code;
  const { error } = parseJson(Buffer.from(body.subarray(5)).toString()) as { error?: unknown };
  return parseError(200, JSON.stringify(error ?? {}))?.code;
}

function parseJson(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
