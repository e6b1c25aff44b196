import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { type SendRequest, SeqSyncService, type SyncRequest } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { send } from "../../../reference-server/operations/send.js";
import { sync } from "../../../reference-server/operations/sync.js";
import { serveBench } from "./serve.js";
import { benchService } from "./service.js";

// The same operations with the gRPC library for Node.js, and the same encoder of messages.
const service = benchService();
const caller = (call: { metadata: { get(name: string): unknown[] } }) =>
  service.accounts.authenticate(String(call.metadata.get("authorization")[0]));

const method = <I extends DescMessage, O extends DescMessage>(rpc: { name: string; input: I; output: O }) => ({
  path: `/seqsync.v1.SeqSyncService/${rpc.name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: (message: MessageShape<I>) => Buffer.from(toBinary(rpc.input, message)),
  requestDeserialize: (bytes: Buffer) => fromBinary(rpc.input, bytes),
  responseSerialize: (message: MessageShape<O>) => Buffer.from(toBinary(rpc.output, message)),
  responseDeserialize: (bytes: Buffer) => fromBinary(rpc.output, bytes),
});

serveBench(async () => {
  const server = new Server();
  server.addService(
    { send: method(SeqSyncService.method.send), sync: method(SeqSyncService.method.sync) },
    {
      send: (call: ServerUnaryCall<SendRequest, unknown>, done: sendUnaryData<unknown>) =>
        done(null, send(service, caller(call), call.request)),
      sync: (call: ServerUnaryCall<SyncRequest, unknown>, done: sendUnaryData<unknown>) =>
        done(null, sync(service, caller(call), call.request)),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return `http://127.0.0.1:${port}`;
});
