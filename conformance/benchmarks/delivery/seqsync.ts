import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client } from "undici";
import { SyncRequestSchema, SyncResponseSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Application } from "./application.js";

/**
 * Fetches all messages as the chapter "Client" of the specification requires: store the page, advance, retry with the
 * old cli_seq after a lost response, and ack the last page with a closing Sync. With pages of one message, each Sync
 * acks one message.
 */
export async function fetchAll(port: number, token: string, pageSize: number, application: Application): Promise<void> {
  const client = new Client(`http://127.0.0.1:${port}`, { headersTimeout: 0, bodyTimeout: 0 });
  const headers = { "content-type": "application/proto", authorization: `Bearer ${token}` };
  const path = "/seqsync.v1.SeqSyncService/Sync";
  let cliSeq = 0;
  let epoch = "";
  for (let acked = false; !acked; ) {
    const body = toBinary(SyncRequestSchema, create(SyncRequestSchema, { cliSeq, epoch, pageSize }));
    let responseBody: Uint8Array;
    try {
      const response = await client.request({ path, method: "POST", headers, body });
      responseBody = new Uint8Array(await response.body.arrayBuffer());
      if (response.statusCode !== 200) throw new TypeError(`status ${response.statusCode}`);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      continue; // the response was lost: retry the same request
    }
    const page = fromBinary(SyncResponseSchema, responseBody);
    for (const { payload } of page.messages) application.receive(payload);
    cliSeq = page.nextCliSeq;
    epoch = page.epoch;
    acked = page.ackedSeq === page.svrSeq;
  }
  await client.close();
}
