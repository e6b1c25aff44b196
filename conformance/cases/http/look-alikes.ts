import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../../harness/case.js";
import { lookAlikes } from "../../harness/look-alikes.js";
import { METHOD, rawCall, rawRetryingUnlessLate, rpcsOf, sendOf, syncOf } from "../../harness/raw-calls.js";
import { envelope } from "../../rpc/envelope.js";

const SERVICE = SeqSyncService.typeName;

/** Methods of the protocol: no look-alike is one of them. */
const METHODS = Object.values(METHOD).map(({ name }) => name);

/** Paths that name no RPC, and look like the paths of RPCs. */
function paths(): string[] {
  const ofMethods = ["Send", "Sync"].flatMap(lookAlikes).map((method) => `${SERVICE}/${method}`);
  const [, , name = ""] = SERVICE.split(".");
  const ofServices = [name.slice(0, -1), `${name}s`, `x${name}`, name.toLowerCase(), `${name}.v1`];
  return [
    ...ofMethods.filter((path) => !METHODS.some((method) => path === `${SERVICE}/${method}`)),
    ...ofServices.map((service) => `seqsync.v1.${service}/Send`),
    `${SERVICE}Send`,
    `${SERVICE}.Send`,
    `${SERVICE}/Send/Send`,
    `${SERVICE}/Sync/Send`,
    `seqsync.v1.Send`,
  ].map((path) => `/${path}`);
}

/** Media types that look like the one of a codec, by the part after the slash. */
const typesLike = (subtype: string) => [
  ...[subtype.slice(0, -1), `${subtype}x`, `${subtype}2`, `${subtype}buf`, `x-${subtype}`, `vnd.${subtype}`].map(
    (it) => `application/${it}`,
  ),
  `application/${subtype}+${subtype}`,
  `application/connect-${subtype}`,
  `application/x+${subtype}`,
  `text/${subtype}`,
];

/** HTTP binding: paths and content types that are nearly right. */
export const httpLookAlikes: readonly Case[] = [
  {
    // § HTTP-NOT-FOUND: A server MUST respond with HTTP status 404 to a POST to a path that begins with
    // § `<base>/seqsync.v1.` and names no RPC of this specification, and MUST NOT change any state.
    id: "http/paths-like-an-rpc",
    title: "A Send to a path that is nearly that of an RPC gets 404 and changes nothing",
    requirements: ["HTTP-NOT-FOUND"],
    bulk: true,
    async run(t) {
      const { bob, alice } = t;
      await t.unchanged(bob, "HTTP-NOT-FOUND", "a call to a path that is nearly that of an RPC", async () => {
        for (const path of paths()) {
          const response = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path });
          t.fields(response, { status: 404 }, "HTTP-NOT-FOUND", `a POST to ${path} did not get HTTP status 404`);
        }
      });
      await alice.send(bob);
    },
  },
  {
    // § HTTP-MEDIA-TYPE: A server MUST respond with HTTP status 415 to a POST to the path of an RPC that it has, if the
    // § `Content-Type` is missing or none that the table of this chapter gives for this RPC, and MUST NOT carry it out;
    // § the types of gRPC and gRPC-Web, which a server MAY serve at the same paths, are left free.
    id: "http/media-types-like-ours",
    title: "A call whose content type is nearly that of a codec gets 415 and changes nothing",
    requirements: ["HTTP-MEDIA-TYPE"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-MEDIA-TYPE", "a call with a content type that is nearly right", async () => {
        for (const [index, contentType] of typesLike(t.session.codec).entries()) {
          const call = index % 2 === 0 ? sendOf(t, alice, bob) : ack;
          const response = await rawCall(t, "HTTP-MEDIA-TYPE", { ...call, contentType });
          const violation = `${call.rpc} with ${contentType} did not get HTTP status 415`;
          t.fields(response, { status: 415 }, "HTTP-MEDIA-TYPE", violation);
        }
      });
      if (!rpcsOf(t).includes("Watch")) return;
      const { codec } = t.session;
      const body = envelope(Buffer.from(codec === "proto" ? "" : "{}"));
      for (const contentType of [`connect+${codec}x`, `connect+x${codec}`, `connect${codec}`, `connect+${codec}buf`]) {
        const call = { rpc: "Watch", by: bob, body, contentType: `application/${contentType}` } as const;
        const result = await rawRetryingUnlessLate(t, call);
        const status = result.kind === "response" ? result.value.status : 0;
        if (status === 415 || (result.kind === "no-response" && !result.timedOut)) continue;
        t.fail(
          "HTTP-MEDIA-TYPE",
          `a Watch with ${call.contentType} did not get HTTP status 415`,
          "HTTP 415",
          status === 0 ? "a stream that stays open" : `HTTP ${status}`,
        );
      }
    },
  },
];
