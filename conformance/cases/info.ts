import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { answered, describeAnswer, METHOD, type RawCall, rawCall, rawOnce } from "../harness/raw-calls.js";
import type { RequirementId } from "../requirements/requirements.js";
import { parseError } from "../rpc/connect.js";
import { envelope } from "../rpc/envelope.js";
import { emptyOf } from "./http/calls.js";

/** Cases of the chapter "Server info". */
export const info: readonly Case[] = [
  {
    // § INFO-OPEN: A server MUST answer `GetServerInfo` without a credential, and MUST NOT refuse it for a credential
    // § that it does not know.
    id: "info/open-to-everybody",
    title:
      "somebody without a credential, with an unknown, a broken and a valid one asks for the info; all get the same",
    requirements: ["INFO-OPEN"],
    async run(t) {
      const { bob } = t;
      const values = [undefined, "Bearer nobodys", "Bearer ", "Basic Ym9iOmJvYg==", "nonsense", `Bearer ${bob.token}`];
      for (const authorization of values) {
        const call = { rpc: "GetServerInfo", body: emptyOf(t.session.codec) } as const;
        const answer = await rawCall(t, "INFO-OPEN", { ...call, headers: authorization ? { authorization } : {} });
        const scheme = authorization?.split(" ", 1)[0];
        const what = `GetServerInfo ${scheme === undefined ? "without a credential" : `with ${scheme} …`}`;
        const told = answered(t, "INFO-OPEN", METHOD.GetServerInfo.output, answer, what);
        t.equal(told.specVersion, t.info.specVersion, "INFO-OPEN", `what ${what} tells of the version`);
      }
    },
  },
  {
    // § INFO-VERSION: `spec_version` MUST be `1.0`.
    id: "info/version",
    title: "the server says that it keeps version 1.0",
    requirements: ["INFO-VERSION"],
    async run(t) {
      t.equal((await ask(t, "INFO-VERSION")).specVersion, "1.0", "INFO-VERSION", "spec_version");
    },
  },
  {
    // § INFO-CORE: `profiles` MUST hold `PROFILE_CORE`, MUST NOT hold `PROFILE_UNSPECIFIED`, and MUST NOT hold any
    // § value twice.
    id: "info/profiles",
    title: "the server declares CORE, each profile once, and none that is unspecified",
    requirements: ["INFO-CORE"],
    async run(t) {
      const { profiles } = await ask(t, "INFO-CORE");
      t.equal(profiles.includes(Profile.CORE), true, "INFO-CORE", "whether the profiles hold PROFILE_CORE");
      t.equal(profiles.includes(Profile.UNSPECIFIED), false, "INFO-CORE", "whether they hold PROFILE_UNSPECIFIED");
      t.equal(profiles, [...new Set(profiles)], "INFO-CORE", "a profile is declared twice");
    },
  },
  {
    // § INFO-LIMITS: `max_page_size` and `max_payload_bytes` MUST each be at least 1.
    id: "info/limits",
    title:
      "the server declares a page size and a payload size of at least 1, and alice's payload of 1 byte comes in a page of 1",
    requirements: ["INFO-LIMITS"],
    async run(t) {
      const { bob, alice } = t;
      const { maxPageSize, maxPayloadBytes } = await ask(t, "INFO-LIMITS");
      for (const [name, value] of Object.entries({ max_page_size: maxPageSize, max_payload_bytes: maxPayloadBytes })) {
        if (value < 1) t.fail("INFO-LIMITS", name, "at least 1", `${value}`);
      }
      const sent = await alice.send(bob, "x");
      t.page(await bob.device().sync({ pageSize: 1 }), bob.base + 1, [sent], "INFO-LIMITS", "a page of one message");
    },
  },
  {
    // § INFO-WINDOW: `dedup_window` MUST be set and above zero.
    id: "info/window",
    title: "the server declares a dedup window above zero, and a Send that alice repeats at once creates nothing",
    requirements: ["INFO-WINDOW"],
    async run(t) {
      const { bob, alice } = t;
      const { dedupWindow } = await ask(t, "INFO-WINDOW");
      const nanos = (dedupWindow?.seconds ?? 0n) * 1_000_000_000n + BigInt(dedupWindow?.nanos ?? 0);
      if (nanos <= 0n)
        t.fail("INFO-WINDOW", "dedup_window", "set and above zero", dedupWindow ? `${nanos} ns` : "not set");
      // A window of a few milliseconds may be over before the repetition comes.
      if (nanos < 10_000_000_000n) return;
      const sent = await alice.send(bob);
      await alice.send(bob, sent.payload, { id: sent.clientMessageId });
      t.page(await bob.device().sync(), bob.base + 1, [sent], "SEND-RETRY", "a repeated Send made another message");
    },
  },
  {
    // § INFO-UNDECLARED: A server that does not declare JSON MUST answer the JSON content types at the RPCs that it has
    // § with HTTP status 415, and one that does not declare WATCH MUST answer Watch with the code `unimplemented`, or
    // § with HTTP status 404 or 415.
    id: "info/undeclared-json",
    title: "the server does not declare JSON; calls of alice and bob in JSON are answered with 415 and do nothing",
    requirements: ["INFO-UNDECLARED", "HTTP-MEDIA-TYPE"],
    undeclared: "JSON",
    async run(t) {
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
      await t.unchanged(bob, "INFO-UNDECLARED", "a call in JSON, which the server does not declare,", async () => {
        for (const contentType of ["application/json", "application/json; charset=utf-8"]) {
          for (const call of calls) {
            const answer = await rawCall(t, "INFO-UNDECLARED", { ...call, contentType });
            t.equal(answer.status, 415, "INFO-UNDECLARED", `the status of ${call.rpc} in ${contentType}`);
          }
        }
        if (!t.info.profiles.includes(Profile.WATCH)) return;
        const watch: RawCall = {
          rpc: "Watch",
          by: bob,
          contentType: "application/connect+json",
          body: envelope(json({})),
        };
        const answer = await rawOnce(t, watch);
        const actual = "lost" in answer ? answer.lost : describeAnswer(answer);
        const fits = !("lost" in answer) && answer.status === 415;
        if (!fits) t.fail("INFO-UNDECLARED", "Watch in application/connect+json", "HTTP status 415", actual);
      });
    },
  },
  {
    id: "info/undeclared-watch",
    title: "the server does not declare WATCH; bob's Watch is unimplemented, or answered with 404 or 415",
    requirements: ["INFO-UNDECLARED"],
    undeclared: "WATCH",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const answer = await rawOnce(t, { rpc: "Watch", by: bob, body: envelope(emptyOf(t.session.codec)) });
      const expected = "the code unimplemented, or HTTP status 404 or 415";
      if ("lost" in answer) return t.fail("INFO-UNDECLARED", "Watch, which is not declared", expected, answer.lost);
      const fits = [404, 415].includes(answer.status) || codeOf(answer) === "unimplemented";
      if (!fits) t.fail("INFO-UNDECLARED", "Watch, which is not declared", expected, describeAnswer(answer));
    },
  },
];

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

async function ask(t: Context, requirement: RequirementId): Promise<GetServerInfoResponse> {
  const answer = await rawCall(t, requirement, { rpc: "GetServerInfo", body: emptyOf(t.session.codec) });
  return answered(t, requirement, METHOD.GetServerInfo.output, answer, "GetServerInfo");
}

/** The code of a refusal, which stands in the body, or in the stream's only envelope. */
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
