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
} from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Refusal } from "../errors.js";
import type { Service } from "../service.js";

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
