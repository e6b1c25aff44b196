import type { Case } from "../../harness/case.js";
import { exchange, pathOf, type RawCall, rawCall, rawOnce, rpcsOf, sendOf, syncOf } from "../../harness/raw-calls.js";

/** HTTP binding: paths and methods. */
export const httpCalls: readonly Case[] = [
  {
    // § HTTP-PATH: A server MUST serve each RPC that it has at `POST <base>/seqsync.v1.SeqSyncService/<Method>`, over
    // § HTTP/1.1 at least.
    id: "http/paths",
    title: "alice asks for the server's info, sends and syncs, each over plain HTTP/1.1 at its path",
    requirements: ["HTTP-PATH"],
    async run(t) {
      const { bob, alice } = t;
      for (const call of [
        { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) },
        sendOf(t, alice, bob),
        syncOf(t, bob),
      ]) {
        const status = await exchange(t, "HTTP-PATH", call);
        t.equal(status, 200, "HTTP-PATH", `the status of ${call.rpc} over HTTP/1.1 at ${pathOf(call.rpc)}`);
      }
      const page = await bob.device().sync();
      t.equal(page.svrSeq, bob.base + 1, "HTTP-PATH", "a Send at its path was answered and did nothing");
    },
  },
  {
    // § HTTP-NOT-FOUND: A server MUST answer a POST to a path that begins with `<base>/seqsync.v1.` and names no RPC of
    // § this specification with HTTP status 404, and MUST NOT change any state.
    id: "http/unknown-rpc",
    title: "alice posts a right Send to paths that are no RPC; each answers 404 and bob gets nothing",
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
      await t.unchanged(bob, "HTTP-NOT-FOUND", "a call of no RPC", async () => {
        for (const path of paths) {
          const answer = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path });
          t.equal(answer.status, 404, "HTTP-NOT-FOUND", `the status at ${path}`);
        }
        // Where there is no RPC, there is no type that it takes.
        for (const contentType of [null, "text/plain"]) {
          const [path] = paths;
          const answer = await rawCall(t, "HTTP-NOT-FOUND", { ...sendOf(t, alice, bob), path, contentType });
          t.equal(
            answer.status,
            404,
            "HTTP-NOT-FOUND",
            `the status at ${path} with ${contentType ?? "no content type"}`,
          );
        }
      });
      await alice.send(bob);
    },
  },
  {
    // § HTTP-METHOD: A server MUST answer GET, HEAD, PUT, PATCH and DELETE on the path of an RPC that it has with HTTP
    // § status 405, and MUST NOT carry out a call by any method but POST.
    id: "http/other-methods",
    title: "GET, HEAD, PUT, PATCH and DELETE at each RPC are answered with 405; they and other methods do nothing",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-METHOD", "a call by another method than POST", async () => {
        for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"] as const) {
          const hasBody = method !== "GET" && method !== "HEAD";
          const calls: RawCall[] = [
            { rpc: "GetServerInfo", body: emptyOf(t.session.codec) },
            sendOf(t, alice, bob),
            ack,
          ];
          if (rpcsOf(t).includes("Watch")) calls.push({ rpc: "Watch", by: bob, body: Buffer.alloc(5) });
          for (const { body, ...call } of calls) {
            // Most who use other methods name no type. Some frameworks let a header make another method of it.
            const override = { "x-http-method-override": "POST", "x-http-method": "POST" };
            for (const more of [{ headers: override }, { contentType: null }]) {
              const answer = await rawCall(t, "HTTP-METHOD", {
                ...call,
                ...more,
                method,
                ...(hasBody ? { body } : {}),
              });
              t.equal(answer.status, 405, "HTTP-METHOD", `the status of ${method} on ${call.rpc}`);
            }
          }
        }
        // What these are answered with is free.
        for (const method of ["OPTIONS", "REPORT"] as const)
          for (const call of [sendOf(t, alice, bob), ack]) await rawOnce(t, { ...call, method });
      });
      await bob.device().sync();
    },
  },
  {
    id: "http/get-with-message",
    title: "a proxy prefetches each call by GET, with the message in the query as Connect allows; nothing is done",
    requirements: ["HTTP-METHOD"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const info = { rpc: "GetServerInfo", body: emptyOf(t.session.codec) } as const;
      await t.unchanged(bob, "HTTP-METHOD", "a call by GET", async () => {
        for (const { body, ...call } of [syncOf(t, bob, { cliSeq: bob.base + 1 }), sendOf(t, alice, bob), info]) {
          const message = Buffer.from(body).toString("base64url");
          const query = `?connect=v1&encoding=${t.session.codec}&base64=1&message=${message}`;
          const path = pathOf(call.rpc) + query;
          const answer = await rawCall(t, "HTTP-METHOD", { ...call, method: "GET", path, contentType: null });
          const what = `the status of GET on ${call.rpc} with a message in the query`;
          t.equal(answer.status, 405, "HTTP-METHOD", what);
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
];

/** The empty message. */
export const emptyOf = (codec: "proto" | "json") => Buffer.from(codec === "proto" ? "" : "{}");
