import { create } from "@bufbuild/protobuf";
import {
  type CreateAccountRequest,
  type CreateAccountResponse,
  CreateAccountResponseSchema,
  type RevokeTokenRequest,
  type RevokeTokenResponse,
  RevokeTokenResponseSchema,
  type RotateEpochRequest,
  type RotateEpochResponse,
  RotateEpochResponseSchema,
  type StepClockRequest,
  type StepClockResponse,
  StepClockResponseSchema,
} from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Refusal } from "../errors.js";
import type { Service } from "../service.js";

/** Largest step of the clock in either direction, in milliseconds: seven days. */
const MAX_OFFSET_MS = 604_800_000;

/** Creates an account whose inbox starts at `start_seq` (spec, "Test fixtures"). */
export function createAccount(service: Service, { startSeq }: CreateAccountRequest): CreateAccountResponse {
  const { account, token } = service.createAccount(`user-${service.options.newId()}`, undefined, startSeq);
  return create(CreateAccountResponseSchema, { userId: account.userId, token });
}

/**
 * Makes an inbox lose its data (spec, "Test fixtures"). Its dedup records are void, because they have the old epoch.
 *
 * @throws Refusal `not_found` if there is no such account.
 */
export function rotateEpoch(service: Service, { userId }: RotateEpochRequest): RotateEpochResponse {
  const account = service.accounts.get(userId);
  if (account === undefined) throw new Refusal("not_found", "no account has this user_id");
  account.inbox.rotate(service.options.newId());
  for (const watcher of account.watchers) watcher.changed();
  return create(RotateEpochResponseSchema);
}

/**
 * Revokes a token, as a logout does (spec, "Test fixtures").
 *
 * @throws Refusal `not_found` if there is no such token.
 */
export function revokeToken(service: Service, { token }: RevokeTokenRequest): RevokeTokenResponse {
  if (!service.accounts.revoke(token)) throw new Refusal("not_found", "no account has this token");
  return create(RevokeTokenResponseSchema);
}

/**
 * Steps the wall clock (spec, "Test fixtures"). Timers, such as those of heartbeats, measure elapsed time and go on.
 *
 * @throws Refusal `invalid_argument` if the offset is more than seven days.
 */
export function stepClock(service: Service, { offsetMs }: StepClockRequest): StepClockResponse {
  if (Math.abs(offsetMs) > MAX_OFFSET_MS)
    throw new Refusal(
      "invalid_argument",
      `offset_ms is ${offsetMs}; -${MAX_OFFSET_MS} to ${MAX_OFFSET_MS} are allowed`,
    );
  service.clockOffsetMs = offsetMs;
  return create(StepClockResponseSchema);
}
