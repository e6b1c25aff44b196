/**
 * A Seq Sync server with the profiles CORE, JSON and WATCH, in memory, with the library Connect for Node: the result of
 * the guide "With a Connect library".
 *
 *     PORT=8080 FIXTURES=1 npx tsx docs/guides/connect/server.ts
 */
import { setMaxListeners } from "node:events";
import { createServer, type RequestListener, type ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import {
  Code,
  ConnectError,
  createConnectRouter,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import { FixtureService } from "../../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { refusalKey, serve, tokenKey } from "./middleware.js";
import { Notifier } from "./notifier.js";
import { refusal, retryable } from "./refusal.js";
import { type Account, Store } from "./store.js";

export interface Options {
  /** Serves the FixtureService. For tests only: anyone who can reach it can destroy data. Default false. */
  fixtures?: boolean;
  /** Profiles that the server declares and serves; must include CORE. Default: CORE, JSON and WATCH. */
  profiles?: readonly Profile[];
  /**
   * Interval of the heartbeats of a Watch, in milliseconds: networks drop idle connections. Default 20 s.
   */
  heartbeatMs?: number;
  /** Maximum duration of a Watch, in milliseconds; the client then opens another. Default one hour. */
  watchMs?: number;
  store?: Store;
}

type Settings = Required<Options> & { shutdown: AbortSignal };

/** Starts a server on 127.0.0.1. Port 0, the default, selects a free port. */
export async function start({ port = 0, ...options }: Options & { port?: number } = {}): Promise<{
  url: string;
  stop: () => Promise<void>;
}> {
  const shutdown = new AbortController();
  const server = createServer(SERVER_OPTIONS, listener({ ...options, shutdown: shutdown.signal }));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      shutdown.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const deadline = setTimeout(() => server.closeAllConnections(), 1000);
      await closed;
      clearTimeout(deadline);
    },
  };
}

/** Options for `createServer`: room for a token of 4096 bytes and all other headers, and a deadline for requests. */
export const SERVER_OPTIONS: ServerOptions = { maxHeaderSize: 32_768, requestTimeout: 60_000 };

/** Returns the server as a listener, for use behind other middleware. The signal ends its Watches. */
export function listener(options: Options & { shutdown?: AbortSignal } = {}): RequestListener {
  const settings: Settings = {
    fixtures: false,
    profiles: [Profile.CORE, Profile.JSON, Profile.WATCH],
    heartbeatMs: 20_000,
    watchMs: 3_600_000,
    store: new Store(),
    shutdown: new AbortController().signal,
    ...options,
  };
  const { store, profiles } = settings;
  const handlers = routes(settings);
  // The library adds one listener for each call in flight. Without this line Node would warn of a leak.
  setMaxListeners(0, settings.shutdown);
  const json = profiles.includes(Profile.JSON);
  // 64 KiB, and room for the largest payload in base64.
  const bodyLimit = 65_536 + Math.ceil(store.limits.payloadBytes / 3) * 4;
  return (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    const isPublic = handler?.method === SeqSyncService.method.getServerInfo || handler?.service === FixtureService;
    const isAllowed = (token: string) => isPublic || store.accountOf(token) !== undefined;
    // A failure here is a broken connection: no response can be sent.
    serve(req, res, { handler, isAllowed, json, bodyLimit }).catch(() => res.destroy());
  };
}

function routes({ store, fixtures, profiles, heartbeatMs, watchMs, shutdown }: Settings) {
  const caller = (context: HandlerContext): Account => {
    const account = store.accountOf(context.values.get(tokenKey));
    if (account === undefined) throw refusal(Reason.CREDENTIAL_INVALID);
    return account;
  };
  // Compression is off: the library would compress a response like its request, even if the client did not offer it.
  const router = createConnectRouter({
    grpc: false,
    grpcWeb: false,
    acceptCompression: [],
    interceptors: [throwRefusal],
    shutdownSignal: shutdown,
  });

  const methods: ServiceImpl<typeof SeqSyncService> = {
    getServerInfo: () => ({
      specVersion: "1.0",
      implementation: "seqsync-guide-connect/1.0",
      profiles: [...profiles],
      maxPageSize: store.limits.pageMessages,
      maxPayloadBytes: store.limits.payloadBytes,
      dedupWindow: { seconds: BigInt(store.limits.dedupWindowSeconds) },
    }),

    send: ({ recipientId, clientMessageId, payload }, context) => ({
      acceptedAt: store.send(caller(context), recipientId, clientMessageId, payload),
    }),

    sync: ({ cliSeq, epoch, pageSize }, context) => store.sync(caller(context), cliSeq, epoch, pageSize),

    async *watch(_request, context) {
      const account = caller(context);
      if (account.notifiers.size >= store.limits.watches) throw retryable("too many watches");
      const ended = AbortSignal.any([context.signal, AbortSignal.timeout(watchMs)]);
      // Register first, then read the state: an event in between is not missed.
      const notifier = new Notifier();
      account.notifiers.add(notifier);
      const leave = () => account.notifiers.delete(notifier);
      // If the client disconnects while a frame is being written, the library never resumes this generator.
      ended.addEventListener("abort", leave, { once: true });
      try {
        while (!ended.aborted) {
          yield { epoch: account.epoch, svrSeq: account.svrSeq };
          await notifier.wait(heartbeatMs, ended);
          caller(context);
        }
      } finally {
        leave();
      }
    },
  };
  const { watch: _, ...withoutWatch } = methods;
  // The library returns `unimplemented` for a method that is not given.
  router.service(SeqSyncService, profiles.includes(Profile.WATCH) ? methods : withoutWatch);

  if (fixtures) {
    router.service(FixtureService, {
      createAccount: ({ startSeq }) => store.createAccount(startSeq),
      rotateEpoch: ({ userId }) => found(store.rotateEpoch(userId)),
      revokeToken: ({ token }) => found(store.revokeToken(token)),
      stepClock: ({ offsetMs }) => {
        if (!store.stepClock(offsetMs)) throw new ConnectError("more than seven days", Code.InvalidArgument);
        return {};
      },
    });
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

/** Returns the empty response, or throws `not_found`. */
function found(it: boolean): Record<string, never> {
  if (!it) throw new ConnectError("not found", Code.NotFound);
  return {};
}

/** Throws the refusal of the middleware, so that the library encodes it as it does all errors of this kind of call. */
const throwRefusal: Interceptor = (next) => (call) => {
  const refused = call.contextValues.get(refusalKey);
  if (refused !== undefined) throw refused;
  return next(call);
};

if (process.argv[1] === import.meta.filename) {
  const { url } = await start({ port: Number(process.env["PORT"] ?? 8080), fixtures: process.env["FIXTURES"] === "1" });
  console.log(`listening on ${url}`);
}
