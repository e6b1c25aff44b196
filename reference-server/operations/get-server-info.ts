import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, GetServerInfoResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Service } from "../service.js";

/** Describes the server (spec, "Server info"). */
export function getServerInfo({ options }: Service): GetServerInfoResponse {
  return create(GetServerInfoResponseSchema, {
    specVersion: "1.0",
    implementation: options.implementation,
    profiles: [Profile.CORE, ...options.profiles],
    maxPageSize: options.maxPageSize,
    maxPayloadBytes: options.maxPayloadBytes,
    dedupWindow: durationFromMs(options.dedupWindowMs),
  });
}
