import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { FixtureService } from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Inconclusive } from "../findings.js";
import type { Codec } from "../rpc/connect.js";
import { Session, type Unary } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";
import type { AccountRequest, AccountSource, Lease } from "./source.js";

const { createAccount, rotateEpoch, revokeToken } = FixtureService.method;

/** Why fixtures may be missing, in words that help. */
const HELP =
  "the server does not serve seqsync.conformance.v1.FixtureService here (see the specification, fixtures); start it with its fixtures, or give accounts with --accounts FILE";

/** Accounts from the target's FixtureService: new ones for each case. */
export async function fixtureAccounts(
  transport: Transport,
  { token, codec = "proto" }: { token?: string | undefined; codec?: Codec },
): Promise<AccountSource | { unavailable: string }> {
  // One front end only: the fixtures are no part of what is checked.
  const session = new Session(transport, codec);
  const call = async <I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    onAttempt: () => void = () => {},
  ): Promise<MessageShape<O>> => {
    const ended = await session.call(method, input, { token, endpoint: 0 }, { onAttempt });
    if (ended.kind === "response") return ended.value;
    if (ended.kind === "refusal") {
      const { code } = ended.refusal;
      if (code === "unimplemented") throw new Inconclusive(`the server has no fixture ${method.name}`);
      if (code === "unauthenticated")
        throw new Inconclusive("the fixtures ask for a credential: set SEQSYNC_FIXTURE_TOKEN");
      throw new Inconclusive(`the fixture ${method.name} was refused with ${code}`);
    }
    throw new Inconclusive(
      ended.kind === "malformed" && ended.requirement === "HTTP-PATH"
        ? HELP
        : `the fixture ${method.name} failed: ${ended.why}`,
    );
  };

  try {
    const probe = await call(createAccount, {});
    if (probe.userId === "" || probe.token === "")
      return { unavailable: "the fixture CreateAccount answered without user_id or token" };
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
    release: () => {},
    rotateEpoch: async (userId, onAttempt) => {
      await call(rotateEpoch, { userId }, onAttempt);
    },
    revokeToken: async (revoked) => {
      await call(revokeToken, { token: revoked });
    },
  };
}
