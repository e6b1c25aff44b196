/**
 * The wire protocol (`seqsync.v1`): messages, service and enums, for use with `@bufbuild/protobuf`. The `.proto` files are in the
 * package under `proto/`, for other languages.
 *
 * @example
 * ```ts
 * import { create, toBinary } from "@bufbuild/protobuf";
 * import { SyncRequestSchema } from "seqsync/proto";
 *
 * const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { cliSeq: 140, pageSize: 100 }));
 * ```
 * @module
 */
export * from "./gen/seqsync/v1/error_pb.js";
export * from "./gen/seqsync/v1/message_pb.js";
export * from "./gen/seqsync/v1/service_pb.js";
