import { create } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type WatchResponse, WatchResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller, Watcher } from "../accounts.js";
import { Refusal, refuse } from "../errors.js";
import type { Service } from "../service.js";

/**
 * The response stream of a Watch. The server does not wait for a slow reader; the reader gets the newest state once it
 * is ready.
 */
export interface Stream {
  /** Writes a frame. Returns false if the reader is slow: the caller must not write again before `onReady` calls back. */
  write(frame: WatchResponse): boolean;
  /** Calls back each time the reader is ready again. */
  onReady(callback: () => void): void;
  /** Calls back once, when either side has ended the stream. */
  onClose(callback: () => void): void;
  /** Ends the stream with an end-of-stream message, with an error if given. */
  end(error?: Refusal): void;
}

/**
 * Reports the state of the caller's inbox (spec, "Watch"): at once, after each change, and as a heartbeat. Changes that
 * come faster than the reader reads are merged into one frame, so a slow reader delays nothing and needs no queue.
 *
 * @throws Refusal `resource_exhausted` at the maximum number of open Watches of the account.
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
  // Registered before the first frame, so that no change in between is missed.
  account.watchers.add(watcher);
  const heartbeat = setInterval(report, service.options.heartbeatMs);
  stream.onClose(() => {
    clearInterval(heartbeat);
    account.watchers.delete(watcher);
  });
  report();
}
