import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { FixtureService } from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive } from "../findings.js";
import type { Codec } from "../rpc/connect.js";
import { Session, type Unary } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import type { AccountRequest, AccountSource, Lease } from "./source.js";

const { createAccount, rotateEpoch, revokeToken, stepClock } = FixtureService.method;

/** Message for a server without fixtures: the problem and the remedy. */
const HELP =
  "the server does not serve seqsync.conformance.v1.FixtureService at this URL; start it with its fixtures for tests, or pass accounts with --accounts FILE";

/** A server that has accounts has some fixtures, so only this one is missing. */
const missing = (fixture: string) => (fixture === createAccount.name ? HELP : `the server has no fixture ${fixture}`);

/** Returns a source of accounts that the target's FixtureService creates for each case. */
export async function fixtureAccounts(
  transport: Transport,
  { token, codec = "proto" }: { token?: string | undefined; codec?: Codec },
): Promise<AccountSource | { unavailable: string }> {
  // One front end is enough: the suite does not check the fixtures.
  const session = new Session(transport, codec);
  const call = async <I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    onAttempt: () => void = () => {},
  ): Promise<MessageShape<O>> => {
    const result = await session.call(method, input, { token, endpoint: 0 }, onAttempt);
    if (result.kind === "response") return result.value;
    if (result.kind === "refusal") {
      const { code } = result.refusal;
      if (code === "unimplemented")
        throw new Inconclusive(
          // The fixtures were there when the run began: only a start_seq can be missing now.
          "startSeq" in input && input["startSeq"] !== 0
            ? "the server's fixture CreateAccount does not support a start_seq above 0"
            : missing(method.name),
          ReasonCode.ACCOUNT_UNAVAILABLE,
        );
      if (code === "unauthenticated" || code === "permission_denied")
        throw new Inconclusive(
          token === undefined
            ? "the fixtures require a credential; put it into the environment variable SEQSYNC_FIXTURE_TOKEN"
            : "the fixtures do not accept the credential in the environment variable SEQSYNC_FIXTURE_TOKEN",
          ReasonCode.ACCOUNT_UNAVAILABLE,
        );
      throw new Inconclusive(`the fixture ${method.name} was refused with ${code}`, ReasonCode.ACCOUNT_UNAVAILABLE);
    }
    const isMissing = result.kind === "malformed" && ["HTTP-PATH", "HTTP-ANSWER-TYPE"].includes(result.requirement);
    throw new Inconclusive(
      isMissing ? missing(method.name) : `the fixture ${method.name} failed: ${result.why}`,
      ReasonCode.ACCOUNT_UNAVAILABLE,
    );
  };

  try {
    const probed = await call(createAccount, {});
    if (probed.userId === "" || probed.token === "")
      return { unavailable: "the fixture CreateAccount returned no user_id or no token" };
  } catch (error) {
    if (error instanceof Inconclusive) return { unavailable: error.message };
    throw error;
  }

  return {
    description: "fixture service",
    unavailableReason: () => undefined,
    lease: async ({ count, startSeq = 0 }: AccountRequest) =>
      Promise.all(
        Array.from({ length: count }, async (_, index): Promise<Lease> => {
          const start = index === 0 ? startSeq : 0;
          const { userId, token } = await call(createAccount, { startSeq: start });
          return { userId, token, startSeq: start };
        }),
      ),
    isSingleUse: true,
    release: () => {},
    rotateEpoch: async (userId, onAttempt) => {
      await call(rotateEpoch, { userId }, onAttempt);
    },
    revokeToken: async (accountToken) => {
      await call(revokeToken, { token: accountToken });
    },
    stepClock: async (offsetMs, onAttempt) => {
      await call(stepClock, { offsetMs }, onAttempt);
    },
  };
}
