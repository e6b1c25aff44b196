/**
 * The formats of the conformance suite (`seqsync.conformance.v1`): reports, recorded histories, and the FixtureService that a
 * server serves for tests. No part of the wire protocol.
 *
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { fromJsonString } from "@bufbuild/protobuf";
 * import { Outcome, ReportSchema } from "seqsync/proto/conformance";
 *
 * const report = fromJsonString(ReportSchema, readFileSync("report.json", "utf8"));
 * console.log(Outcome[report.verdict]);
 * ```
 * @module
 */
export * from "./gen/seqsync/conformance/v1/fixture_pb.js";
export * from "./gen/seqsync/conformance/v1/history_pb.js";
export * from "./gen/seqsync/conformance/v1/report_pb.js";
