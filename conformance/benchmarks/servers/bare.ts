import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toBinary } from "@bufbuild/protobuf";
import { SyncResponseSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { sync } from "../../../reference-server/operations/sync.js";
import { serveBench } from "./serve.js";
import { benchService, NAMES } from "./service.js";

// An upper bound of the throughput on node:http: the server reads the body, ignores it, and responds with as many
// bytes as the reference server.
const service = benchService();
const page = (name: string) => {
  const caller = service.accounts.authenticate(`Bearer ${name}`);
  const request = { cliSeq: 0, epoch: "", pageSize: 0, $typeName: "seqsync.v1.SyncRequest" as const };
  return Buffer.from(toBinary(SyncResponseSchema, sync(service, caller, request)));
};
const bodies: Record<string, Buffer> = {
  "/seqsync.v1.SeqSyncService/Send": Buffer.alloc(14, 1), // the size of a SendResponse
  "/seqsync.v1.SeqSyncService/Sync": page(NAMES.idle),
  "/seqsync.v1.SeqSyncService/Sync?page": page(NAMES.reader),
};

serveBench(async () => {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = bodies[req.url as string] as Buffer;
      res.writeHead(200, { "Content-Type": "application/proto", "Content-Length": body.length });
      res.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
