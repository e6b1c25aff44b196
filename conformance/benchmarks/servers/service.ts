import { create } from "@bufbuild/protobuf";
import { SendRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { send } from "../../../reference-server/operations/send.js";
import { Service } from "../../../reference-server/service.js";

/**
 * Accounts of every measured server. The token of each is its user id. `reader` has 100 pending messages of 100 bytes,
 * `idle` none.
 */
export const NAMES = { sender: "sender", recipient: "recipient", reader: "reader", idle: "idle" } as const;

/** Creates the state of a measured server, with limits that minutes of load do not reach. */
export function benchService(): Service {
  const service = new Service({ maxBacklog: 100_000_000, maxDedupRecords: 10_000_000 });
  for (const name of Object.values(NAMES)) service.createAccount(name, name);
  const caller = service.accounts.authenticate(`Bearer ${NAMES.sender}`);
  for (let nr = 0; nr < 100; nr += 1) {
    const clientMessageId = `message-${String(nr).padStart(12, "0")}`;
    send(
      service,
      caller,
      create(SendRequestSchema, { recipientId: NAMES.reader, clientMessageId, payload: new Uint8Array(100).fill(nr) }),
    );
  }
  // The recipient acks its messages, so that the backlog does not grow.
  const { inbox } = service.accounts.authenticate(`Bearer ${NAMES.recipient}`).account;
  setInterval(() => inbox.sync(inbox.svrSeq, "", 1), 100).unref();
  return service;
}
