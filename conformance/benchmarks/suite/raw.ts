import { Pool } from "undici";
import { serveMethods } from "../child.js";

serveMethods({
  /**
   * Requests per second of the HTTP client of the suite in a loop, with as many pending requests as the suite has
   * concurrent cases.
   */
  async raw(url: string, ms: number): Promise<number> {
    const pool = new Pool(url, { connections: 16 });
    const headers = { "content-type": "application/proto", authorization: "Bearer raw" };
    const path = "/seqsync.v1.SeqSyncService/Sync";
    let count = 0;
    const loop = async (until: number) => {
      while (performance.now() < until) {
        const { body, statusCode } = await pool.request({ path, method: "POST", headers, body: Buffer.alloc(0) });
        await body.arrayBuffer();
        if (statusCode !== 200) throw new Error(`status ${statusCode}`);
        count += 1;
      }
    };
    const loops = (until: number) => Promise.all(Array.from({ length: 16 }, () => loop(until)));
    await loops(performance.now() + 500);
    count = 0;
    const started = performance.now();
    await loops(started + ms);
    const perSecond = (count / (performance.now() - started)) * 1000;
    await pool.close();
    return perSecond;
  },
});
