import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { RequirementId } from "../requirements/requirements.js";
import {
  type Histories,
  HistoryBuilder,
  message,
  newHistory,
  withEmptyInbox,
  withMessages,
} from "../selftest/histories/history-builder.js";
import { Judge } from "./judge.js";

const AHEAD = Reason.CLI_SEQ_AHEAD;
const MISMATCH = Reason.EPOCH_MISMATCH;

const SVR_SEQ: Histories = {
  "svr_seq falls below the first response, though the start of the inbox is unknown": [
    ["SEQ-MONOTONE"],
    () => {
      const history = new HistoryBuilder().openAccount("bob").openAccount("alice");
      history.send("m1").noResponse();
      history.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
      history.sync(0).page(40, 40);
      return history;
    },
  ],
  "svr_seq counts a message that is not available while its Send is pending": [
    ["PAGE-PROGRESS", "SEQ-CONTIGUOUS"],
    () => {
      const history = withEmptyInbox();
      const sending = history.send("m1");
      history.sync(0).page(0, 1);
      sending.ok(1);
      return history;
    },
  ],
  "svr_seq counts a message that is not available, and no Send is pending": [
    ["PAGE-PROGRESS"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1);
      return history;
    },
  ],
  "another violation of a page while a Send is pending": [
    ["SYNC-NEXT"],
    () => {
      const history = withMessages(1);
      history.send("m2");
      history.sync(0).page(0, 1, [message(1)], { next: 0 });
      return history;
    },
  ],
  "svr_seq counts a Send that was refused": [
    ["PAGE-PROGRESS", "ERR-UNCHANGED"],
    () => {
      const history = withMessages(1);
      history.send("m2").refused(Reason.BACKLOG_FULL);
      history.sync(1).page(1, 2);
      return history;
    },
  ],
  "svr_seq counts a retry": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const history = withMessages(1);
      history.send("m1").ok(1);
      history.sync(0).page(0, 2, [message(1)]);
      return history;
    },
  ],
  "svr_seq counts two pending retries": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const history = withMessages(1);
      history.send("m1");
      history.send("m1");
      history.sync(0).page(0, 2, [message(1)]);
      return history;
    },
  ],
  "svr_seq counts two retries of a Send without a response": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const history = newHistory();
      history.send("m1").noResponse();
      history.send("m1");
      history.send("m1");
      history.sync(0).page(0, 2, [message(1)]);
      return history;
    },
  ],
  "a retry creates no message": [
    [],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.send("m1").ok(1);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a refused retry does not remove the message": [
    [],
    () => {
      const history = withMessages(1);
      history.send("m1").failed("permission_denied");
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
};

const REFUSED_SYNCS: Histories = {
  "a refusal for a reason outside the table of errors": [
    [],
    () => {
      const history = withEmptyInbox();
      history.sync(0, { epoch: "e0" }).failed("permission_denied");
      history.sync(0).refused(Reason.CREDENTIAL_INVALID);
      return history;
    },
  ],
  "the current epoch is refused": [
    ["SYNC-ANSWER"],
    () => {
      const history = withEmptyInbox();
      history.sync(0, { epoch: "e1" }).refused(MISMATCH, { epoch: "e1" });
      return history;
    },
  ],
  "a Sync ahead with the current epoch is refused": [
    [],
    () => {
      const history = withEmptyInbox();
      history.sync(9, { epoch: "e1" }).refused(AHEAD, { epoch: "e1" });
      return history;
    },
  ],
  "a Sync ahead with an unknown epoch is refused": [
    [],
    () => {
      const history = newHistory();
      history.sync(9, { epoch: "e1" }).refused(AHEAD, { epoch: "e1" });
      history.sync(0).page(0, 0);
      return history;
    },
  ],
  "a refusal with EPOCH_MISMATCH carries a third epoch": [
    ["EPOCH-MISMATCH"],
    () => {
      const history = withEmptyInbox();
      history.sync(0, { epoch: "e0" }).refused(MISMATCH, { epoch: "e5" });
      return history;
    },
  ],
  "a refusal with CLI_SEQ_AHEAD carries another epoch": [
    ["ACK-AHEAD"],
    () => {
      const history = withEmptyInbox();
      history.sync(9).refused(AHEAD, { epoch: "e5" });
      return history;
    },
  ],
  "a refusal carries a svr_seq above all possible messages": [
    ["SEQ-CONSECUTIVE"],
    () => {
      const history = withEmptyInbox();
      history.sync(9).refused(AHEAD, { svrSeq: 5, epoch: "e1" });
      return history;
    },
  ],
  "a page has a lower svr_seq than an earlier refusal": [
    ["SEQ-MONOTONE"],
    () => {
      const history = withEmptyInbox();
      history.send("m1").noResponse();
      history.sync(9).refused(AHEAD, { svrSeq: 1, epoch: "e1" });
      history.sync(0).page(0, 0);
      return history;
    },
  ],
  "a refusal while the epoch may have changed": [
    [],
    () => {
      const history = withEmptyInbox();
      history.rotate();
      history.sync(9).refused(AHEAD, { epoch: "e2" });
      return history;
    },
  ],
  "a refusal of a Sync that began before the current numbering": [
    [],
    () => {
      const history = withEmptyInbox();
      const early = history.sync(9);
      history.rotate();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      early.refused(AHEAD, { epoch: "e2" });
      return history;
    },
  ],
};

for (const [subject, histories] of Object.entries({ svr_seq: SVR_SEQ, "refused Syncs": REFUSED_SYNCS })) {
  describe(`findings about ${subject}`, () => {
    it.each(Object.entries(histories))("%s", (_name, [blamed, history]) => {
      expect(history().blamed()).toEqual(blamed);
    });
  });
}

it("accepts a second message after a dedup window of two seconds, and not before", () => {
  for (const [micros, blamed] of [
    [3_000_000n, []],
    [1_000_000n, ["SEND-RETRY"]],
  ] as const) {
    const history = withMessages(1, { dedupWindow: { seconds: 2n, nanos: 0 } });
    const before = history.events.length;
    history.send("m1").ok(5);
    for (const event of history.events.slice(before)) event.atMicros += micros;
    expect(history.blamed()).toEqual(blamed);
  }
});

describe("a history without its beginning", () => {
  const withoutFirst = (history: HistoryBuilder, count: number) => {
    history.events.splice(0, count);
    return history;
  };

  it("has responses and frames without calls, which are ignored", () => {
    const history = new HistoryBuilder();
    history.watch().frame(3);
    history.sync(0).page(0, 0, [], { epoch: "" });
    history.send("m1").ok(0);
    history.events.splice(0, history.events.length, ...history.events.filter((_event, at) => at > 0 && at % 2 === 0));
    expect(history.events.map(({ body }) => body.case)).toEqual(["watchFrame", "syncReturn", "sendReturn"]);
    expect(history.blamed()).toEqual([]);
  });

  it("has a frame with the op of a Sync, which is ignored", () => {
    const history = withEmptyInbox();
    history.watch().frame(9);
    const frame = history.events.pop();
    history.events.pop();
    history.sync(0);
    if (frame !== undefined) history.events.push(Object.assign(frame, { op: history.events.at(-1)?.op }));
    expect(history.blamed()).toEqual([]);
  });

  it("has no header, and so no profiles and no limits", () => {
    const history = withMessages(2);
    history.sync(0).page(0, 2, [message(1), message(2)]);
    history.restart();
    history.sync(0).page(0, 1, [message(1)]);
    expect(withoutFirst(history, 1).blamed()).toEqual(["DUR-NEW-EPOCH"]);
  });
});

describe("a rule of an inbox is exercised if it could have been violated:", () => {
  const exercised = (history: HistoryBuilder, rule: RequirementId) => {
    const judge = new Judge();
    for (const event of history.events) judge.observe(event);
    judge.finish();
    return judge.exercised.get(rule) ?? 0;
  };

  it("WATCH-FIRST by the first frame of each Watch", () => {
    const history = withEmptyInbox();
    expect(exercised(history, "WATCH-FIRST")).toBe(0);
    const watch = history.watch();
    watch.frame(0);
    watch.frame(0);
    expect(exercised(history, "WATCH-FIRST")).toBe(1);
  });

  it("SEQ-MONOTONE after a response has shown svr_seq", () => {
    const history = withEmptyInbox();
    expect(exercised(history, "SEQ-MONOTONE")).toBe(0);
    history.sync(0).page(0, 0);
    expect(exercised(history, "SEQ-MONOTONE")).toBe(1);
  });

  it("EPOCH-RENEWED by the first response after a data loss, but not by one of a call before it", () => {
    const history = newHistory();
    const early = history.sync(0);
    history.rotate();
    early.page(0, 0);
    expect(exercised(history, "EPOCH-RENEWED")).toBe(0);
    history.sync(0).page(0, 0, [], { epoch: "e2" });
    expect(exercised(history, "EPOCH-RENEWED")).toBe(1);
    history.sync(0).page(0, 0, [], { epoch: "e2" });
    expect(exercised(history, "EPOCH-RENEWED")).toBe(1);
  });
});
