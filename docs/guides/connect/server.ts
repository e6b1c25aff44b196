/**
 * A Seq Sync server with the profiles CORE, JSON and WATCH, in memory, on the library Connect for Node. It is what the guide
 * "With a Connect library" arrives at.
 *
 *     PORT=8080 FIXTURES=1 npx tsx docs/guides/connect/server.ts
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, createConnectRouter, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { FixtureService } from "../../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { Bell } from "./bell.js";
import { refusalKey, serve, tokenKey } from "./front.js";
import { refusal, tryAgain } from "./refusal.js";
import { type Account, LIMITS, Store } from "./store.js";

/** A frame at least this often, so that networks do not drop a silent connection. */
const HEARTBEAT_MS = 20_000;

export interface Options {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Serves the FixtureService. For tests only: whoever can reach it can destroy data. */
  fixtures?: boolean;
}

/** Starts a server on 127.0.0.1. */
export async function start({ port = 0, fixtures = false }: Options = {}): Promise<{
  url: string;
  stop: () => Promise<void>;
}> {
  const store = new Store();
  const shutdown = new AbortController();
  const handlers = routes(store, fixtures, shutdown.signal);
  const server = createServer({ maxHeaderSize: 32_768, requestTimeout: 60_000 }, (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    const open = handler?.method === SeqSyncService.method.getServerInfo || handler?.service === FixtureService;
    // What fails here is a connection that broke: there is nobody left to tell.
    serve(req, res, handler, (token) => open || store.accountOf(token) !== undefined).catch(() => res.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      shutdown.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const patience = setTimeout(() => server.closeAllConnections(), 1000);
      await closed;
      clearTimeout(patience);
    },
  };
}

function routes(store: Store, fixtures: boolean, shutdownSignal: AbortSignal) {
  const caller = (context: HandlerContext): Account => {
    const account = store.accountOf(context.values.get(tokenKey));
    if (account === undefined) throw refusal(Reason.CREDENTIAL_INVALID);
    return account;
  };
  // The library would compress an answer like its request, offered or not; so it knows no compression at all.
  const router = createConnectRouter({
    grpc: false,
    grpcWeb: false,
    acceptCompression: [],
    interceptors: [throwRefusal],
    shutdownSignal,
  });

  router.service(SeqSyncService, {
    getServerInfo: () => ({
      specVersion: "1.0",
      implementation: "seqsync-guide-connect/1.0",
      profiles: [Profile.CORE, Profile.JSON, Profile.WATCH],
      maxPageSize: LIMITS.pageMessages,
      maxPayloadBytes: LIMITS.payloadBytes,
      dedupWindow: { seconds: BigInt(LIMITS.dedupWindowSeconds) },
    }),

    send: ({ recipientId, clientMessageId, payload }, context) => ({
      acceptedAt: store.send(caller(context), recipientId, clientMessageId, payload),
    }),

    sync: ({ cliSeq, epoch, pageSize }, context) => store.sync(caller(context), cliSeq, epoch, pageSize),

    async *watch(_request, context) {
      const account = caller(context);
      if (account.bells.size >= LIMITS.watches) throw tryAgain("too many watches");
      // First the bell, then the state: what comes in between rings.
      const bell = new Bell();
      account.bells.add(bell);
      try {
        while (!context.signal.aborted) {
          yield { epoch: account.epoch, svrSeq: account.svrSeq };
          await bell.wait(HEARTBEAT_MS, context.signal);
          caller(context);
        }
      } finally {
        account.bells.delete(bell);
      }
    },
  });

  if (fixtures) {
    router.service(FixtureService, {
      createAccount: ({ startSeq }) => store.createAccount(startSeq),
      rotateEpoch: ({ userId }) => found(store.rotateEpoch(userId)),
      revokeToken: ({ token }) => found(store.revokeToken(token)),
    });
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function found(it: boolean): Record<string, never> {
  if (!it) throw new ConnectError("there is no such thing", Code.NotFound);
  return {};
}

/** Refuses what the front has found wrong, in the form that the library gives to errors of this kind of call. */
const throwRefusal: Interceptor = (next) => (call) => {
  const refused = call.contextValues.get(refusalKey);
  if (refused !== undefined) throw refused;
  return next(call);
};

if (process.argv[1] === import.meta.filename) {
  const { url } = await start({ port: Number(process.env["PORT"] ?? 8080), fixtures: process.env["FIXTURES"] === "1" });
  console.log(`listening on ${url}`);
}
