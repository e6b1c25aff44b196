import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { RequirementId } from "../requirements/requirements.js";
import {
  begin,
  type Histories,
  HistoryBuilder,
  seen,
  shown,
  withMessages,
} from "../selftest/histories/history-builder.js";
import { Judge } from "./judge.js";

const AHEAD = Reason.CLI_SEQ_AHEAD;
const MISMATCH = Reason.EPOCH_MISMATCH;

const NUMBERS: Histories = {
  "a past that the first answer does not tell for certain: its svr_seq is a bound all the same": [
    ["SEQ-MONOTONE"],
    () => {
      const story = new HistoryBuilder().open("bob").open("alice");
      story.send("m1").lost();
      story.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
      story.sync(0).page(40, 40);
      return story;
    },
  ],
  "svr_seq counts a message that cannot be fetched while its Send is under way": [
    ["PAGE-PROGRESS", "SEQ-CONTIGUOUS"],
    () => {
      const story = seen();
      const sending = story.send("m1");
      story.sync(0).page(0, 1);
      sending.ok(1);
      return story;
    },
  ],
  "svr_seq counts a message that cannot be fetched, and no Send is under way": [
    ["PAGE-PROGRESS"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1);
      return story;
    },
  ],
  "another fault of a page while a Send is under way": [
    ["SYNC-NEXT"],
    () => {
      const story = withMessages(1);
      story.send("m2");
      story.sync(0).page(0, 1, [shown(1)], { next: 0 });
      return story;
    },
  ],
  "svr_seq counts a Send that was refused": [
    ["PAGE-PROGRESS", "ERR-UNCHANGED"],
    () => {
      const story = withMessages(1);
      story.send("m2").refused(Reason.BACKLOG_FULL);
      story.sync(1).page(1, 2);
      return story;
    },
  ],
  "svr_seq counts a retry": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const story = withMessages(1);
      story.send("m1").ok(1);
      story.sync(0).page(0, 2, [shown(1)]);
      return story;
    },
  ],
  "svr_seq counts two retries under way": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const story = withMessages(1);
      story.send("m1");
      story.send("m1");
      story.sync(0).page(0, 2, [shown(1)]);
      return story;
    },
  ],
  "svr_seq counts two retries of a Send that was lost": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const story = begin();
      story.send("m1").lost();
      story.send("m1");
      story.send("m1");
      story.sync(0).page(0, 2, [shown(1)]);
      return story;
    },
  ],
  "a retry makes no message": [
    [],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.send("m1").ok(1);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "a retry that is refused takes nothing back": [
    [],
    () => {
      const story = withMessages(1);
      story.send("m1").failed("permission_denied");
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
};

const REFUSALS: Histories = {
  "a refusal for a reason of the server's own": [
    [],
    () => {
      const story = seen();
      story.sync(0, { epoch: "e0" }).failed("permission_denied");
      story.sync(0).refused(Reason.CREDENTIAL_INVALID);
      return story;
    },
  ],
  "the right epoch is refused": [
    ["SYNC-ANSWER"],
    () => {
      const story = seen();
      story.sync(0, { epoch: "e1" }).refused(MISMATCH, { epoch: "e1" });
      return story;
    },
  ],
  "a Sync ahead is refused, under the right epoch": [
    [],
    () => {
      const story = seen();
      story.sync(9, { epoch: "e1" }).refused(AHEAD, { epoch: "e1" });
      return story;
    },
  ],
  "a Sync ahead is refused, under an epoch that nobody has seen yet": [
    [],
    () => {
      const story = begin();
      story.sync(9, { epoch: "e1" }).refused(AHEAD, { epoch: "e1" });
      story.sync(0).page(0, 0);
      return story;
    },
  ],
  "a refused epoch, and the refusal tells a third one": [
    ["EPOCH-MISMATCH"],
    () => {
      const story = seen();
      story.sync(0, { epoch: "e0" }).refused(MISMATCH, { epoch: "e5" });
      return story;
    },
  ],
  "a refused cli_seq, and the refusal tells another epoch": [
    ["ACK-AHEAD"],
    () => {
      const story = seen();
      story.sync(9).refused(AHEAD, { epoch: "e5" });
      return story;
    },
  ],
  "a refusal tells more messages than can be there": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const story = seen();
      story.sync(9).refused(AHEAD, { svrSeq: 5, epoch: "e1" });
      return story;
    },
  ],
  "a Sync knows less than a refusal before it": [
    ["SEQ-MONOTONE"],
    () => {
      const story = seen();
      story.send("m1").lost();
      story.sync(9).refused(AHEAD, { svrSeq: 1, epoch: "e1" });
      story.sync(0).page(0, 0);
      return story;
    },
  ],
  "a refusal while the numbering may be another": [
    [],
    () => {
      const story = seen();
      story.rotate();
      story.sync(9).refused(AHEAD, { epoch: "e2" });
      return story;
    },
  ],
  "a refusal of a Sync from before the numbering began": [
    [],
    () => {
      const story = seen();
      const early = story.sync(9);
      story.rotate();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      early.refused(AHEAD, { epoch: "e2" });
      return story;
    },
  ],
};

for (const [about, histories] of Object.entries({ NUMBERS, REFUSALS })) {
  describe(`what the judge says of an inbox: ${about.toLowerCase()}`, () => {
    it.each(Object.entries(histories))("%s", (_name, [blamed, story]) => {
      expect(story().blamed()).toEqual(blamed);
    });
  });
}

it("forgets a message after a dedup window of seconds, not before", () => {
  for (const [micros, blamed] of [
    [3_000_000n, []],
    [1_000_000n, ["SEND-RETRY"]],
  ] as const) {
    const story = withMessages(1, { dedupWindow: { seconds: 2n, nanos: 0 } });
    const before = story.events.length;
    story.send("m1").ok(5);
    for (const event of story.events.slice(before)) event.atMicros += micros;
    expect(story.blamed()).toEqual(blamed);
  }
});

describe("a history that lost its beginning", () => {
  const withoutFirst = (story: HistoryBuilder, count: number) => {
    story.events.splice(0, count);
    return story;
  };

  it("has answers and frames without calls, which say nothing", () => {
    const story = new HistoryBuilder();
    story.watch().frame(3);
    story.sync(0).page(0, 0, [], { epoch: "" });
    story.send("m1").ok(0);
    story.events.splice(0, story.events.length, ...story.events.filter((_event, at) => at > 0 && at % 2 === 0));
    expect(story.events.map(({ body: what }) => what.case)).toEqual(["watchFrame", "syncReturn", "sendReturn"]);
    expect(story.blamed()).toEqual([]);
  });

  it("has a frame of a call that is no watch, which says nothing", () => {
    const story = seen();
    story.watch().frame(9);
    const frame = story.events.pop();
    story.events.pop();
    story.sync(0);
    if (frame !== undefined) story.events.push(Object.assign(frame, { op: story.events.at(-1)?.op }));
    expect(story.blamed()).toEqual([]);
  });

  it("claims no profile and no limits", () => {
    const story = withMessages(2);
    story.sync(0).page(0, 2, [shown(1), shown(2)]);
    story.restart();
    story.sync(0).page(0, 1, [shown(1)]);
    expect(withoutFirst(story, 1).blamed()).toEqual(["DUR-NEW-EPOCH"]);
  });
});

/** How often each of these rules could have been broken: a history that could not break it proves nothing of it. */
describe("a rule of an inbox counts as applied where it could have been broken", () => {
  const applied = (story: HistoryBuilder, rule: RequirementId) => {
    const judge = new Judge();
    for (const event of story.events) judge.observe(event);
    judge.finish();
    return judge.applied.get(rule) ?? 0;
  };

  it("WATCH-FIRST: by the first frame of each watch", () => {
    const story = seen();
    expect(applied(story, "WATCH-FIRST")).toBe(0);
    const watch = story.watch();
    watch.frame(0);
    watch.frame(0);
    expect(applied(story, "WATCH-FIRST")).toBe(1);
  });

  it("SEQ-MONOTONE: once an answer has told where svr_seq stands", () => {
    const story = seen();
    expect(applied(story, "SEQ-MONOTONE")).toBe(0);
    story.sync(0).page(0, 0);
    expect(applied(story, "SEQ-MONOTONE")).toBe(1);
  });

  it("EPOCH-RENEWED: by answers after a loss that nobody has seen yet, unless they are of before", () => {
    const story = begin();
    const early = story.sync(0);
    story.rotate();
    early.page(0, 0);
    expect(applied(story, "EPOCH-RENEWED")).toBe(0);
    story.sync(0).page(0, 0, [], { epoch: "e2" });
    expect(applied(story, "EPOCH-RENEWED")).toBe(1);
    story.sync(0).page(0, 0, [], { epoch: "e2" });
    expect(applied(story, "EPOCH-RENEWED")).toBe(1);
  });
});
