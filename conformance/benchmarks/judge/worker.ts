import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Judge } from "../../judge/judge.js";
import { HistoryBuilder } from "../../selftest/histories/history-builder.js";
import { answer, memoryInUse } from "../child.js";

const INBOXES = 10;
const PAGE = 10;

/**
 * Traffic as of a server that keeps the specification: ten inboxes by turns get ten messages each, and their device fetches
 * them; each twentieth answer is lost and asked for again. Endless, in portions.
 */
function* traffic(): Generator<Event[]> {
  const story = new HistoryBuilder();
  const inboxes = Array.from({ length: INBOXES }, (_, nr) => ({ user: `reader-${nr}`, cli: 0, svr: 0 }));
  for (const { user } of inboxes) story.open(user, 0);
  story.open("alice", 0);
  for (let turn = 0; ; turn += 1) {
    const inbox = inboxes[turn % INBOXES] as (typeof inboxes)[0];
    const { user } = inbox;
    const messages = Array.from({ length: PAGE }, (_, index) => {
      const seq = inbox.svr + 1 + index;
      return { seq, id: `${user}-${seq}`, text: `message ${String(seq).padStart(12, "0")}` };
    });
    for (const { id, text } of messages) story.send(id, { to: user, text }).ok(1);
    inbox.svr += PAGE;
    const sync = () => story.sync(inbox.cli, { user, client: `${user}'s phone`, epoch: inbox.cli === 0 ? "" : "e1" });
    if (turn % 20 === 7) sync().lost();
    sync().page(inbox.cli, inbox.svr, messages);
    inbox.cli += PAGE;
    if (story.events.length >= 10_000) yield story.events.splice(0);
  }
}

export interface Judged {
  seconds: number;
  bytes: number;
  findings: number;
}

answer({
  /** Has so many events judged, and tells how long the judge alone took and what it holds at the end. */
  judge(count: number): Judged {
    const before = memoryInUse();
    const judge = new Judge();
    let done = 0;
    let micros = 0;
    for (const events of traffic()) {
      const portion = events.slice(0, count - done);
      const cpu = process.cpuUsage().user;
      for (const event of portion) judge.observe(event);
      micros += process.cpuUsage().user - cpu;
      done += portion.length;
      if (done === count) break;
    }
    const bytes = memoryInUse() - before;
    const cpu = process.cpuUsage().user;
    const findings = judge.finish().length;
    micros += process.cpuUsage().user - cpu;
    return { seconds: micros / 1e6, bytes, findings };
  },
});
