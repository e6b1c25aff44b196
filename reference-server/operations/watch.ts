import { create } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller, Watcher } from "../accounts.js";
import { Refusal, refuse } from "../errors.js";
import type { Service } from "../service.js";

/** Where the frames go. A slow reader is not waited for: it gets the newest state once it is ready again. */
export interface Stream {
  /** Writes a frame. False if the reader does not keep up: write no more before `onReady`. */
  write(frame: WatchResponse): boolean;
  /** Calls back once the reader has caught up. */
  onReady(callback: () => void): void;
  /** Calls back once, when the stream is over, whoever ended it. */
  onClose(callback: () => void): void;
  /** Ends the stream in order, with an error if one is given. */
  end(error?: Refusal): void;
}

/**
 * Reports the state of the caller's inbox (spec, "Watch"): now, after each change, and as a heartbeat. Changes that come
 * faster than they can be written are one frame, so a watcher costs one flag however far it lags, and a stalled one holds
 * nobody up.
 */
export function watch(service: Service, { account, tokenHash }: Caller, stream: Stream): void {
  if (account.watchers.size >= service.options.maxWatchesPerAccount) {
    throw new Refusal("resource_exhausted", "too many open watches of this account");
  }
  let dirty = false;
  let ready = true;
  const report = () => {
    dirty = true;
    if (!ready) return;
    dirty = false;
    ready = stream.write(create(WatchResponseSchema, account.inbox.state()));
  };
  const watcher: Watcher = {
    tokenHash,
    changed: report,
    revoked: () => stream.end(refuse(Reason.CREDENTIAL_INVALID, "the credential was revoked")),
  };
  stream.onReady(() => {
    ready = true;
    if (dirty) report();
  });
  // Registered before the first look: a commit in between cannot be missed.
  account.watchers.add(watcher);
  const heartbeat = setInterval(report, service.options.heartbeatMs);
  stream.onClose(() => {
    clearInterval(heartbeat);
    account.watchers.delete(watcher);
  });
  report();
}
