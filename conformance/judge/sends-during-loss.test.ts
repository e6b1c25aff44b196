import { describe, expect, it } from "vitest";
import { HistoryBuilder, type SendOutcomes } from "../selftest/histories/history-builder.js";

describe("a Send that was pending while its inbox lost its data", () => {
  it("may have been stored after the loss", () => {
    const history = new HistoryBuilder().openAccount("bob", 0);
    history.sync(0).page(0, 0);
    const send = history.send("m1");
    history.rotate();
    send.ok();
    history.sync(0).page(0, 1, ["m1"], { epoch: "e2" });
    expect(history.blamed()).toEqual([]);
  });

  it("may have been stored before the loss, so that its id is free", () => {
    const history = new HistoryBuilder().openAccount("bob", 0).openAccount("carol", 0);
    history.sync(0).page(0, 0);
    const send = history.send("m1");
    history.rotate();
    send.ok();
    history.send("m1", { to: "carol" }).ok(2);
    expect(history.blamed()).toEqual([]);
  });

  it.each<[string, (before: SendOutcomes, after: SendOutcomes, deliver: () => void) => void]>([
    [
      "both responses come before the Sync",
      (before, after, deliver) => {
        before.ok(1);
        after.ok(2);
        deliver();
      },
    ],
    [
      "one response comes after the Sync",
      (before, after, deliver) => {
        before.ok(1);
        deliver();
        after.ok(2);
      },
    ],
    [
      "both responses come after the Sync",
      (before, after, deliver) => {
        deliver();
        before.ok(1);
        after.ok(2);
      },
    ],
  ])("may have been stored before and after the loss by two attempts, each with its accepted_at: %s", (_name, act) => {
    const history = new HistoryBuilder().openAccount("bob", 0);
    history.sync(0).page(0, 0);
    const [before, after] = [history.send("m1"), history.send("m1")];
    history.rotate();
    history.sync(0).page(0, 0, [], { epoch: "e2" });
    act(before, after, () => history.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }], { epoch: "e2" }));
    expect(history.blamed()).toEqual([]);
  });

  it("has one accepted_at if it was the only attempt", () => {
    const history = new HistoryBuilder().openAccount("bob", 0);
    history.sync(0).page(0, 0);
    const send = history.send("m1");
    history.rotate();
    history.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }], { epoch: "e2" });
    send.ok(1);
    expect(history.blamed()).toEqual(["SEND-ACCEPTED-AT"]);
  });
});

describe("a response to a Send whose accepted_at differs from that of the delivered message", () => {
  it("violates SEND-ACCEPTED-AT for the only attempt, and SEND-RETRY for a retry", () => {
    const single = new HistoryBuilder().openAccount("bob", 0);
    const send = single.send("m1");
    single.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }]);
    send.ok(1);
    expect(single.blamed()).toEqual(["SEND-ACCEPTED-AT"]);

    const retried = new HistoryBuilder().openAccount("bob", 0);
    retried.send("m1").noResponse();
    retried.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }]);
    retried.send("m1").ok(1);
    expect(retried.blamed()).toEqual(["SEND-RETRY"]);
  });
});
