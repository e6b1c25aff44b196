import type { Case } from "../../harness/case.js";
import {
  callOnOwnConnection,
  emptyBody,
  pathOf,
  type RawCall,
  rawCall,
  rawRetryingErrors,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";

/** HTTP binding: paths and methods. */
export const httpCalls: readonly Case[] = [
  {
    // § HTTP-PATH: A server MUST serve each RPC that it has at `POST <base>/seqsync.v1.SeqSyncService/<Method>`, over
    // § HTTP/1.1 at least.
    id: "http/paths",
    title: "Each unary RPC is served over HTTP/1.1 at its path",
    requirements: ["HTTP-PATH"],
    async run(t) {
      const { bob, alice } = t;
      for (const call of [
        { rpc: "GetServerInfo" as const, body: emptyBody(t.session.codec) },
        sendOf(t, alice, bob),
        syncOf(t, bob),
      ]) {
        const status = await callOnOwnConnection(t, "HTTP-PATH", call);
        t.equal(
          { status },
          { status: 200 },
          "HTTP-PATH",
          `${call.rpc} is not served over HTTP/1.1 at ${pathOf(call.rpc)}`,
        );
      }
      const page = await bob.device().sync();
      t.fields(page, { svrSeq: bob.base + 1 }, "HTTP-PATH", "a Send that got HTTP status 200 is not in the inbox");
    },
  },
  {
    // § HTTP-NOT-FOUND: A server MUST respond with HTTP status 404 to a POST to a path that begins with
    // § `<base>/seqsync.v1.` and names no RPC of this specification, and MUST NOT change any state.
    id: "http/unknown-rpc",
    title: "A Send to an unknown path gets 404 and changes nothing",
    requirements: ["HTTP-NOT-FOUND"],
    async run(t) {
      const { bob, alice } = t;
      const paths = [
        "/seqsync.v1.SeqSyncService/Receive",
        "/seqsync.v1.SeqSyncService/Send2",
        "/seqsync.v1.NoService/Send",
        "/seqsync.v1.SeqSyncService/send",
        "/seqsync.v1.SeqSyncService/Send/",
      ] as const;
      await t.unchanged(bob, "HTTP-NOT-FOUND", "a call to an unknown path", async () => {
        for (const path of paths) {
          const response = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path });
          t.fields(response, { status: 404 }, "HTTP-NOT-FOUND", `a POST to ${path} did not get HTTP status 404`);
        }
        // The path takes precedence over the content type.
        for (const contentType of [null, "text/plain"]) {
          const [path] = paths;
          const response = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path, contentType });
          const violation = `a POST to ${path} with ${contentType ?? "no content type"} did not get HTTP status 404`;
          t.fields(response, { status: 404 }, "HTTP-NOT-FOUND", violation);
        }
      });
      await alice.send(bob);
    },
  },
  {
    // § HTTP-METHOD: A server MUST respond with HTTP status 405 to GET, HEAD, PUT, PATCH and DELETE on the path of an
    // § RPC that it has, and MUST NOT carry out a call by any method but POST.
    id: "http/other-methods",
    title: "GET, HEAD, PUT, PATCH and DELETE on the path of each RPC get 405; no method but POST has an effect",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-METHOD", "a call with a method other than POST", async () => {
        for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"] as const) {
          const hasBody = method !== "GET" && method !== "HEAD";
          const calls: RawCall[] = [
            { rpc: "GetServerInfo", body: emptyBody(t.session.codec) },
            sendOf(t, alice, bob),
            ack,
          ];
          if (rpcsOf(t).includes("Watch")) calls.push({ rpc: "Watch", by: bob, body: Buffer.alloc(5) });
          for (const { body, ...call } of calls) {
            // Clients usually send no content type with these methods. Some frameworks let a header override them.
            const override = { "x-http-method-override": "POST", "x-http-method": "POST" };
            for (const more of [{ headers: override }, { contentType: null }]) {
              const response = await rawCall(t, "HTTP-METHOD", {
                ...call,
                ...more,
                method,
                ...(hasBody ? { body } : {}),
              });
              const violation = `${method} on the path of ${call.rpc} did not get HTTP status 405`;
              t.fields(response, { status: 405 }, "HTTP-METHOD", violation);
            }
          }
        }
        // The specification does not define the response to these methods, but they must have no effect.
        for (const method of ["OPTIONS", "REPORT"] as const)
          for (const call of [sendOf(t, alice, bob), ack]) await rawRetryingErrors(t, { ...call, method });
      });
      await bob.device().sync();
    },
  },
  {
    id: "http/get-with-message",
    title: "A GET with the message in the query, as Connect allows, gets 405 and changes nothing",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const info = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
      await t.unchanged(bob, "HTTP-METHOD", "a call with GET", async () => {
        for (const { body, ...call } of [syncOf(t, bob, { cliSeq: bob.base + 1 }), sendOf(t, alice, bob), info]) {
          const message = Buffer.from(body).toString("base64url");
          const query = `?connect=v1&encoding=${t.session.codec}&base64=1&message=${message}`;
          const path = pathOf(call.rpc) + query;
          const response = await rawCall(t, "HTTP-METHOD", { ...call, method: "GET", path, contentType: null });
          const what = `GET on the path of ${call.rpc} with a message in the query did not get HTTP status 405`;
          t.fields(response, { status: 405 }, "HTTP-METHOD", what);
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
];
