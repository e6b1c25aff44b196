import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { accountOpened, header } from "./events.js";
import type { Recorder } from "./recorder.js";
import { closestDuration } from "./times.js";

/** Properties of a history that its first events declare. */
export interface Prologue {
  /** Name of the history, for people, such as the id of a case. */
  name: string;
  /** The declaration of the server. */
  info: GetServerInfoResponse;
  /** Seed of the run. */
  seed: number;
  /** Accounts of the history; `startSeq` is undefined for an account that may have been used before. */
  accounts: readonly { userId: string; startSeq: number | undefined }[];
}

/** Records the first events of a history: the header, and the accounts. */
export function recordPrologue(recorder: Recorder, { name, info, seed, accounts }: Prologue): void {
  const { specVersion, implementation, profiles, maxPageSize, dedupWindow } = info;
  const window = dedupWindow === undefined ? {} : { dedupWindow: closestDuration(dedupWindow) };
  recorder.complete(0n, header({ name, specVersion, implementation, profiles, maxPageSize, seed, ...window }));
  for (const { userId, startSeq } of accounts) recorder.complete(0n, accountOpened(userId, startSeq));
}
