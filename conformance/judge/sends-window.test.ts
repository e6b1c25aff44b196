import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, type PageMessage } from "../selftest/histories/history-builder.js";

describe("a retry that begins within the dedup window and may arrive after it", () => {
  const twice: PageMessage[] = [
    { seq: 1, id: "m1", at: 1 },
    { seq: 2, id: "m1", at: 5 },
  ];
  // Two and a half steps of the history: an immediate retry begins within the window, and its response comes after it.
  const begin = () => new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } }).openAccount("bob", 0);

  it.each<[string, (history: HistoryBuilder) => void]>([
    ["may create a message", (history) => history.send("m1").ok(5).sync(0).page(0, 2, twice)],
    [
      "may create a message that is delivered before the response",
      (history) => {
        const retry = history.send("m1");
        history.sync(0).page(0, 2, twice);
        retry.ok(5);
      },
    ],
    [
      "may create a message and have no response",
      (history) => history.send("m1").noResponse().sync(0).page(0, 2, twice),
    ],
    ["may be refused because of the state of the inbox", (history) => history.send("m1").refused(Reason.BACKLOG_FULL)],
    [
      "may be refused with CLIENT_MESSAGE_ID_REUSED because another payload came after the window",
      (history) => {
        const retry = history.send("m1");
        history.send("m1", { text: "other" }).ok(5);
        retry.refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
  ])("%s", (_name, act) => {
    const history = begin();
    history.send("m1").ok(1);
    act(history);
    expect(history.blamed()).toEqual([]);
  });

  it("may be preceded by an indeterminate attempt that arrives after the window", () => {
    const history = begin();
    history.send("m1").noResponse();
    history.send("m1").ok(1);
    history.sync(0).page(0, 2, twice);
    expect(history.blamed()).toEqual([]);
  });

  it("must not create a message if its response came within the window", () => {
    const history = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 4_500_000 } }).openAccount("bob", 0);
    history.send("m1").ok(1);
    history.send("m1").ok(1);
    history.send("m2").ok(2);
    history.sync(0).page(0, 3, [...twice, { seq: 3, id: "m2", at: 2 }]);
    expect(history.blamed()).toContain("SEND-RETRY");
  });

  it("must not create a message that is delivered within the window", () => {
    const history = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 90_000_000 } }).openAccount("bob", 0);
    history.send("m1").ok(1);
    history.send("m1").noResponse();
    history.sync(0).page(0, 2, twice);
    expect(history.blamed()).toEqual(["SEND-RETRY"]);
  });
});
