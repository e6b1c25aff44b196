import { create } from "@bufbuild/protobuf";
import { SendRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { listen } from "../../../reference-server/http/listen.js";
import { send } from "../../../reference-server/operations/send.js";
import { Service } from "../../../reference-server/service.js";
import { serveMethods } from "../child.js";
import { payloadOf } from "./application.js";

// The reference server, with the backlogs of devices that are offline.
const service = new Service({ maxPageSize: 10_000, maxDedupRecords: 100_000_000, dedupWindowMs: 1 });
service.createAccount("alice", "alice");
let accounts = 0;

serveMethods({
  listen: async () => Number(new URL((await listen(createHandler(service))).url).port),
  /** Creates an account with `count` pending messages, and returns its token. */
  fill(count: number): string {
    accounts += 1;
    const name = `away-${accounts}`;
    service.createAccount(name, name);
    const alice = service.accounts.authenticate("Bearer alice");
    for (let nr = 0; nr < count; nr += 1) {
      const clientMessageId = `${accounts}-${String(nr).padStart(10, "0")}`;
      const request = create(SendRequestSchema, { recipientId: name, clientMessageId, payload: payloadOf(nr) });
      send(service, alice, request);
    }
    return name;
  },
  /** Whether all messages of an account were acked. */
  acked(name: string): boolean {
    const { ackedSeq, svrSeq } = service.accounts.authenticate(`Bearer ${name}`).account.inbox;
    return ackedSeq === svrSeq;
  },
});
