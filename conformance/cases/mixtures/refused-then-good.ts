import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Device, type SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectInfo } from "../../harness/each-way.js";
import { deviceWithOwnConnection } from "../../harness/own-connection.js";
import {
  describeResponse,
  expectRawRefusal,
  padded,
  type RawCall,
  rawCall,
  sendOf,
  syncOf,
  truncated,
} from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { Client } from "../../rpc/client.js";

/** Largest `max_payload_bytes` for which a longer payload is sent, in bytes: it is sent several times. */
const LARGEST_BYTES = 1 << 20;
/** Length of the bodies that a server may refuse without reading them, in bytes. */
const UNREAD_BYTES = 20_000;

/** A call that the server refuses: with a reason, or with plain HTTP. */
interface Refused {
  what: string;
  call: RawCall;
  requirement: RequirementId;
  reason?: Reason;
  status?: number;
}

/** Mixtures: a refused call before each good one. */
export const refusedThenGood: readonly Case[] = [
  {
    // § SEND-ACCEPT: A Send to which no row of the table of errors applies MUST be accepted.
    id: "errors/refused-then-good",
    title: "After each kind of refused call, good calls on the same connection and on another one succeed",
    requirements: ["SEND-ACCEPT", "SYNC-ANSWER", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const same = connectionOf(t, "same connection");
      const other = connectionOf(t, "other connection");
      const used = await alice.send(bob);
      const sent: SentMessage[] = [used];
      const { transport } = same.phone.client.session;
      const send = async ({ sender }: typeof same) => {
        const message = { recipientId: bob.userId, clientMessageId: t.newId(), payload: t.filler("good") };
        const { acceptedAt } = t.accepted(await sender.send(message), "SEND-ACCEPT");
        sent.push({ ...message, acceptedAt });
      };
      const sync = async ({ phone }: typeof same) => {
        const from = phone.cliSeq === 0 ? bob.base : phone.cliSeq;
        const page = await phone.sync();
        const violation = "after a refused call a Sync does not return exactly the pending messages";
        t.fields(
          page,
          { svrSeq: bob.base + sent.length },
          "ERR-UNCHANGED",
          "svr_seq does not count the accepted Sends",
        );
        t.page(page, page.ackedSeq + 1, sent.slice(page.ackedSeq - bob.base), "ERR-UNCHANGED", violation);
        t.that(page.ackedSeq >= from, "ACK-MONOTONE", "acked_seq fell", `at least ${from}`, `${page.ackedSeq}`);
        phone.store(page);
      };
      const info = () => expectInfo(t, { codec: t.session.codec, endpoint: 0 }, undefined, same.phone.client.session);
      for (const refused of refusedCalls(t, used, () => bob.base + sent.length)) {
        for (const good of [() => send(same), () => sync(same), () => send(other), () => sync(other), info]) {
          const { what, requirement, reason, status } = refused;
          const response = await rawCall(t, requirement, { ...refused.call, transport });
          if (reason !== undefined) expectRawRefusal(t, response, reason, requirement, what);
          else if (response.status !== status)
            t.fail(requirement, `${what} has the wrong HTTP status`, `HTTP ${status}`, describeResponse(response));
          await good();
        }
      }
    },
  },
];

/** Two clients that share a connection: one of alice, who sends, and bob's phone. */
function connectionOf(t: Context, name: string): { sender: Client; phone: Device } {
  const sender = deviceWithOwnConnection(t, t.alice, `client on the ${name}`).client;
  const phone = new Device(t, new Client(sender.session, t.recorder, t.bob, `bob's phone on the ${name}`));
  return { sender, phone };
}

function* refusedCalls(t: Context, used: SentMessage, svrSeq: () => number): Generator<Refused> {
  const { bob, alice } = t;
  // The server refuses these, so the history has no event for them.
  const send = (options: Parameters<typeof sendOf>[3] = {}, to: { userId: string } = bob): RawCall => {
    const { rpc, by, body } = sendOf(t, alice, to, options);
    return { rpc, by, body };
  };
  const sync = (options: Parameters<typeof syncOf>[2] = {}): RawCall => {
    const { rpc, by, body } = syncOf(t, bob, options);
    return { rpc, by, body };
  };
  const unknown = { authorization: `Bearer nobodys-${unique()}` };
  const cut = (call: RawCall): RawCall => ({ ...call, body: truncated(t, call.body as Uint8Array) });
  const long = (call: RawCall): RawCall => ({ ...call, body: padded(t, call.body as Uint8Array, UNREAD_BYTES) });
  const { CREDENTIAL_INVALID, CLIENT_MESSAGE_ID_INVALID, PAYLOAD_TOO_LARGE, RECIPIENT_UNKNOWN } = Reason;
  const { CLIENT_MESSAGE_ID_REUSED, EPOCH_MISMATCH, CLI_SEQ_AHEAD } = Reason;
  const other = used.payload.length === 0 ? Buffer.from("x") : new Uint8Array();

  const credential = { requirement: "AUTH-REQUIRED", reason: CREDENTIAL_INVALID } as const;
  yield { what: "a Send with an unknown token", call: { ...long(send()), headers: unknown }, ...credential };
  yield { what: "a Sync without a credential", call: { ...sync(), by: undefined }, ...credential };
  const requirement = t.session.codec === "json" ? "HTTP-JSON-MALFORMED" : "HTTP-MALFORMED";
  const malformed = { requirement, status: 400 } as const;
  yield { what: "a Send with a malformed body", call: cut(send()), ...malformed };
  yield { what: "a Sync with a malformed body", call: cut(sync()), ...malformed };
  yield {
    what: "a Send to an unknown recipient",
    call: send({}, { userId: `nobody-${unique()}` }),
    requirement: "SEND-RECIPIENT",
    reason: RECIPIENT_UNKNOWN,
  };
  yield {
    what: "a Send with an empty id",
    call: send({ clientMessageId: "" }),
    requirement: "SEND-ID-LIMIT",
    reason: CLIENT_MESSAGE_ID_INVALID,
  };
  const { maxPayloadBytes } = t.info;
  if (maxPayloadBytes <= LARGEST_BYTES)
    yield {
      what: "a Send with a payload above max_payload_bytes",
      call: send({ payload: new Uint8Array(maxPayloadBytes + 1) }),
      requirement: "SEND-PAYLOAD-LIMIT",
      reason: PAYLOAD_TOO_LARGE,
    };
  yield {
    what: "a Send with a used id and another payload",
    call: send({ clientMessageId: used.clientMessageId, payload: other }),
    requirement: "SEND-ID-REUSED",
    reason: CLIENT_MESSAGE_ID_REUSED,
  };
  yield {
    what: "a Sync with another epoch",
    call: sync({ epoch: `not-${unique()}` }),
    requirement: "EPOCH-MISMATCH",
    reason: EPOCH_MISMATCH,
  };
  yield {
    what: "a Sync with a cli_seq above svr_seq",
    // Far above, because each good Send raises svr_seq.
    call: sync({ cliSeq: Math.min(svrSeq() + 1000, 0xffff_ffff) }),
    requirement: "ACK-AHEAD",
    reason: CLI_SEQ_AHEAD,
  };
  yield {
    what: "a call of an unknown RPC",
    call: { ...long(send()), path: "/seqsync.v1.SeqSyncService/Nothing" },
    requirement: "HTTP-NOT-FOUND",
    status: 404,
  };
  yield {
    what: "a Send with an unknown content type",
    call: { ...long(send()), contentType: "text/plain" },
    requirement: "HTTP-MEDIA-TYPE",
    status: 415,
  };
  yield { what: "a PUT of a Send", call: { ...long(send()), method: "PUT" }, requirement: "HTTP-METHOD", status: 405 };
  yield {
    what: "a GET of Sync",
    call: { rpc: "Sync", by: bob, method: "GET" },
    requirement: "HTTP-METHOD",
    status: 405,
  };
}
