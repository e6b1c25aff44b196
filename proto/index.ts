/**
 * The messages, services and enums of the protocol (`seqsync.v1`) and of the suite's own formats (`seqsync.conformance.v1`), for
 * use with `@bufbuild/protobuf`. The `.proto` files are in the package too, under `proto/`, for other languages.
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
export * from "./gen/seqsync/conformance/v1/fixture_pb.js";
export * from "./gen/seqsync/conformance/v1/history_pb.js";
export * from "./gen/seqsync/conformance/v1/report_pb.js";
export * from "./gen/seqsync/v1/error_pb.js";
export * from "./gen/seqsync/v1/message_pb.js";
export * from "./gen/seqsync/v1/service_pb.js";
