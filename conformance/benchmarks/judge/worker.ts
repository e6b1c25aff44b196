import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Judge } from "../../judge/judge.js";
import { HistoryBuilder } from "../../selftest/histories/history-builder.js";
import { memoryInUse, serveMethods } from "../child.js";

const INBOXES = 10;
const PAGE = 10;

/**
 * The endless traffic of a correct server, in chunks: ten inboxes receive ten messages each in turn, and their device
 * fetches them. Every twentieth Sync has no response and is retried.
 */
function* traffic(): Generator<Event[]> {
  const history = new HistoryBuilder();
  const inboxes = Array.from({ length: INBOXES }, (_, nr) => ({ user: `reader-${nr}`, cli: 0, svr: 0 }));
  for (const { user } of inboxes) history.openAccount(user, 0);
  history.openAccount("alice", 0);
  for (let turn = 0; ; turn += 1) {
    const inbox = inboxes[turn % INBOXES] as (typeof inboxes)[0];
    const { user } = inbox;
    const messages = Array.from({ length: PAGE }, (_, index) => {
      const seq = inbox.svr + 1 + index;
      return { seq, id: `${user}-${seq}`, text: `message ${String(seq).padStart(12, "0")}` };
    });
    for (const { id, text } of messages) history.send(id, { to: user, text }).ok(1);
    inbox.svr += PAGE;
    const sync = () => history.sync(inbox.cli, { user, client: `${user}'s phone`, epoch: inbox.cli === 0 ? "" : "e1" });
    if (turn % 20 === 7) sync().noResponse();
    sync().page(inbox.cli, inbox.svr, messages);
    inbox.cli += PAGE;
    if (history.events.length >= 10_000) yield history.events.splice(0);
  }
}

export interface JudgeRun {
  /** Processor time. */
  seconds: number;
  /** Memory at the end. */
  bytes: number;
  findings: number;
}

serveMethods({
  /** Judges `count` events. Measures the processor time of the judge alone, and its memory at the end. */
  judge(count: number): JudgeRun {
    const before = memoryInUse();
    const judge = new Judge();
    let done = 0;
    let micros = 0;
    for (const events of traffic()) {
      const chunk = events.slice(0, count - done);
      const cpu = process.cpuUsage().user;
      for (const event of chunk) judge.observe(event);
      micros += process.cpuUsage().user - cpu;
      done += chunk.length;
      if (done === count) break;
    }
    const bytes = memoryInUse() - before;
    const cpu = process.cpuUsage().user;
    const findings = judge.finish().length;
    micros += process.cpuUsage().user - cpu;
    return { seconds: micros / 1e6, bytes, findings };
  },
});
