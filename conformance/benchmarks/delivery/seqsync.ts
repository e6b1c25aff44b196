import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client } from "undici";
import { SyncRequestSchema, SyncResponseSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Application } from "./application.js";

/**
 * A device as the specification's chapter "Client" has it: store, advance, ask again with the old value after a lost answer, and
 * one closing Sync that acknowledges the last page. With a page of one message each Sync is the ack of one message.
 */
export async function fetchAll(port: number, token: string, pageSize: number, application: Application): Promise<void> {
  const client = new Client(`http://127.0.0.1:${port}`, { headersTimeout: 0, bodyTimeout: 0 });
  const headers = { "content-type": "application/proto", authorization: `Bearer ${token}` };
  const path = "/seqsync.v1.SeqSyncService/Sync";
  let cliSeq = 0;
  let epoch = "";
  for (let acked = false; !acked; ) {
    const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { cliSeq, epoch, pageSize }));
    let answer: Uint8Array;
    try {
      const response = await client.request({ path, method: "POST", headers, body });
      answer = new Uint8Array(await response.body.arrayBuffer());
      if (response.statusCode !== 200) throw new TypeError(`status ${response.statusCode}`);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      continue; // it got lost: the same question again
    }
    const page = fromBinary(SyncResponseSchema, answer);
    for (const { payload } of page.messages) application.receive(payload);
    cliSeq = page.nextCliSeq;
    epoch = page.epoch;
    acked = page.ackedSeq === page.svrSeq;
  }
  await client.close();
}
