import { create } from "@bufbuild/protobuf";
import { SendRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { listen } from "../../../reference-server/http/listen.js";
import { send } from "../../../reference-server/operations/send.js";
import { Service } from "../../../reference-server/service.js";
import { memoryInUse, serveMethods } from "../child.js";

// A server with many Watches of one account.
const service = new Service({ maxWatchesPerAccount: 100_000, heartbeatMs: 3_600_000 });
for (const name of ["watched", "sender"]) service.createAccount(name, name);
const { account } = service.accounts.authenticate("Bearer watched");

serveMethods({
  listen: async () => (await listen(createHandler(service))).url,
  watches: () => account.watchers.size,
  memory: memoryInUse,
  rss: () => process.memoryUsage().rss,
  /**
   * Sends a message, and returns the time before it, in milliseconds by a clock that all processes of the machine
   * share.
   */
  commit(id: string): number {
    const now = performance.timeOrigin + performance.now();
    const request = create(SendRequestSchema, {
      recipientId: "watched",
      clientMessageId: id,
      payload: new Uint8Array(100),
    });
    send(service, service.accounts.authenticate("Bearer sender"), request);
    return now;
  },
});
