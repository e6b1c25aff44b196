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

/** Creates an account whose inbox stands at `start_seq` (spec, "Test fixtures"). */
export function createAccount(service: Service, { startSeq }: CreateAccountRequest): CreateAccountResponse {
  const { account, token } = service.createAccount(`user-${service.options.newId()}`, undefined, startSeq);
  return create(CreateAccountResponseSchema, { userId: account.userId, token });
}

/** Makes an inbox go on as after losing its data. Dedup records die with the epoch that they name. */
export function rotateEpoch(service: Service, { userId }: RotateEpochRequest): RotateEpochResponse {
  const account = service.accounts.get(userId);
  if (account === undefined) throw new Refusal("not_found", "there is no such account");
  account.inbox.rotate(service.options.newId());
  for (const watcher of account.watchers) watcher.changed();
  return create(RotateEpochResponseSchema);
}

/** Makes a token invalid, as a logout would. */
export function revokeToken(service: Service, { token }: RevokeTokenRequest): RevokeTokenResponse {
  if (!service.accounts.revoke(token)) throw new Refusal("not_found", "there is no such token");
  return create(RevokeTokenResponseSchema);
}
