import { describe, expect, it } from "vitest";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type HistoryBuilder, message, newHistory } from "../selftest/histories/history-builder.js";

const durable = (): HistoryBuilder => newHistory({ profiles: [Profile.CORE, Profile.DURABLE] });

/** A DURABLE server's history in which a response has shown the epoch of bob's empty inbox. */
function shown(): HistoryBuilder {
  const history = durable();
  history.sync(0).page(0, 0, []);
  return history;
}

describe("after a restart of a DURABLE server", () => {
  it("the first epoch that a response shows is not blamed as a new epoch", () => {
    const history = durable();
    history.restart();
    history.sync(0).page(0, 0, []);
    expect(history.blamed()).toEqual([]);
  });

  it("messages that were accepted before the first response are expected", () => {
    const kept = durable();
    kept.send("m1").ok(1);
    kept.restart();
    kept.sync(0).page(0, 1, [message(1)]);
    expect(kept.blamed()).toEqual([]);
    const lost = durable();
    lost.send("m1").ok(1);
    lost.restart();
    lost.sync(0).page(0, 0, []);
    expect(lost.blamed()).toContain("DUR-KEEP");
  });

  it("a missing message that was accepted after it is reported, also by the first response since", () => {
    const history = shown();
    history.restart();
    history.send("m1").ok(1);
    history.sync(0, { epoch: "e1" }).page(0, 0, []);
    expect(history.blamed()).toContain("DUR-KEEP");
  });

  it("a missing message whose retry was accepted after it is reported", () => {
    const history = shown();
    history.send("m1").noResponse();
    history.restart();
    history.send("m1").ok(1);
    history.sync(0, { epoch: "e1" }).page(0, 0, []);
    expect(history.blamed()).toContain("DUR-KEEP");
  });

  it("a Sync that began before the message was accepted need not have it", () => {
    const history = shown();
    history.restart();
    const early = history.sync(0, { epoch: "e1" });
    history.send("m1").ok(1);
    early.page(0, 0, []);
    history.sync(0, { epoch: "e1" }).page(0, 1, [message(1)]);
    expect(history.blamed()).toEqual([]);
  });
});
