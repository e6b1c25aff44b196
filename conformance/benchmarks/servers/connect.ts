import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { send } from "../../../reference-server/operations/send.js";
import { sync } from "../../../reference-server/operations/sync.js";
import { serveBench } from "./serve.js";
import { benchService } from "./service.js";

// The same operations with Connect for Node.js, as in its documentation.
const service = benchService();
const caller = (headers: Headers) => service.accounts.authenticate(headers.get("authorization") ?? "");
const adapter = connectNodeAdapter({
  routes: (router) =>
    router.service(SeqSyncService, {
      send: (request, { requestHeader }) => send(service, caller(requestHeader), request),
      sync: (request, { requestHeader }) => sync(service, caller(requestHeader), request),
    }),
});

serveBench(async () => {
  const server = createServer(adapter);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
