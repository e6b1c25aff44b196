import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { FixtureService } from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import { createAccount, revokeToken, rotateEpoch, stepClock } from "../operations/fixtures.js";
import { getServerInfo } from "../operations/get-server-info.js";
import { send } from "../operations/send.js";
import { sync } from "../operations/sync.js";
import { type Stream, watch } from "../operations/watch.js";
import type { Service } from "../service.js";

/**
 * The operations of the RPCs. The mutants in `conformance/selftest/mutants` replace or wrap them.
 */
export const operations = { getServerInfo, send, sync, watch, createAccount, rotateEpoch, revokeToken, stepClock };
export type Operations = typeof operations;

/** An RPC for the HTTP handler. `credential` is the kind of bearer token that it requires. */
export type Method = {
  input: DescMessage;
  output: DescMessage;
  name: string;
} & (
  | { kind: "unary"; credential: "none" | "fixture"; call(service: Service, request: unknown): unknown }
  | { kind: "unary"; credential: "account"; call(service: Service, caller: Caller, request: unknown): unknown }
  | { kind: "stream"; credential: "account"; open(service: Service, caller: Caller, stream: Stream): void }
);

/** The RPCs by path. Watch is served only if its profile is declared, the FixtureService only if `fixtures` is true. */
export function methodTable(service: Service, ops: Operations, fixtures: boolean): ReadonlyMap<string, Method> {
  const { getServerInfo: info, send, sync, watch } = SeqSyncService.method;
  const { createAccount, rotateEpoch, revokeToken, stepClock } = FixtureService.method;
  const entries: [string, Method][] = [
    open(info, "none", (service) => ops.getServerInfo(service)),
    account(send, ops.send),
    account(sync, ops.sync),
  ];
  if (service.options.profiles.includes(Profile.WATCH)) {
    entries.push([path(watch), { ...base(watch), kind: "stream", credential: "account", open: ops.watch }]);
  }
  if (fixtures) {
    entries.push(
      open(createAccount, "fixture", ops.createAccount),
      open(rotateEpoch, "fixture", ops.rotateEpoch),
      open(revokeToken, "fixture", ops.revokeToken),
      open(stepClock, "fixture", ops.stepClock),
    );
  }
  return new Map(entries);
}

const path = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;
const base = ({ input, output, name }: DescMethod) => ({ input, output, name });

// The casts below are safe: the handler decodes the request with the schema of the same method.
function open<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
  credential: "none" | "fixture",
  call: (service: Service, request: MessageShape<I>) => MessageShape<O>,
): [string, Method] {
  return [path(method), { ...base(method), kind: "unary", credential, call: (s, r) => call(s, r as MessageShape<I>) }];
}

function account<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
  call: (service: Service, caller: Caller, request: MessageShape<I>) => MessageShape<O>,
): [string, Method] {
  return [
    path(method),
    { ...base(method), kind: "unary", credential: "account", call: (s, c, r) => call(s, c, r as MessageShape<I>) },
  ];
}
