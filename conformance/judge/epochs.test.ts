import { describe, expect, it } from "vitest";
import { Epochs } from "./epochs.js";

/** An inbox whose epoch "e1" has been seen, and that loses its data from 10 to 20. */
function afterLoss(): Epochs {
  const epochs = new Epochs();
  expect(epochs.see(2, "e1", 1)).toBe("same");
  epochs.lossBegins();
  epochs.ends(20);
  return epochs;
}

describe("an epoch", () => {
  it("is what the first answer says, and stays", () => {
    const epochs = new Epochs();
    expect(epochs.see(2, "e1", 1)).toBe("same");
    expect(epochs.see(4, "e1", 3)).toBe("same");
    expect(epochs.see(6, "e2", 5)).toBe("changed");
    expect(epochs.current).toBe("e1");
  });

  it("must be new after a loss", () => {
    expect(afterLoss().see(22, "e2", 21)).toBe("renewed");
    expect(afterLoss().see(22, "e1", 21)).toBe("kept");
    const again = afterLoss();
    again.see(22, "e2", 21);
    again.lossBegins();
    again.ends(30);
    expect(again.see(32, "e1", 31)).toBe("reused");
  });

  it("can be the old one in an answer to a call that began before the loss was over", () => {
    const epochs = afterLoss();
    expect(epochs.see(22, "e1", 20)).toBe("same");
    expect(epochs.unsettled).toBe(true);
    expect(epochs.see(24, "e2", 21)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
    expect(epochs.see(25, "e1", 20)).toBe("over");
    expect(epochs.see(26, "e1", 25)).toBe("changed");
  });

  it("can be the new one before the loss is over, and that settles it", () => {
    const epochs = new Epochs();
    epochs.see(2, "e1", 1);
    epochs.lossBegins();
    expect(epochs.see(12, "e2", 3)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
    expect(epochs.see(13, "e1", 3)).toBe("over");
    epochs.ends(20); // nothing is pending any more
    expect(epochs.see(22, "e2", 21)).toBe("same");
  });

  it("says nothing while nobody has seen the one before", () => {
    const epochs = new Epochs();
    epochs.lossBegins();
    expect(epochs.see(5, "e1", 1)).toBe("over");
    epochs.ends(10);
    expect(epochs.see(11, "e1", 10)).toBe("over");
    expect(epochs.see(12, "e2", 11)).toBe("renewed");
  });

  it("may be any of several after several losses", () => {
    const epochs = afterLoss();
    epochs.lossBegins();
    epochs.ends(30);
    expect(epochs.see(32, "e2", 5)).toBe("renewed");
    expect(epochs.unsettled).toBe(true); // one more is to come
    expect(epochs.see(33, "e1", 5)).toBe("over");
    // Older than the last one that was seen: it may have been answered before that, and come late.
    expect(epochs.see(34, "e3", 5)).toBe("over");
    expect(epochs.unsettled).toBe(true);
    expect(epochs.see(40, "e3", 35)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
  });

  it("may stay or change over a restart, and only losses before it are held against it", () => {
    const kept = new Epochs();
    kept.see(2, "e1", 1);
    kept.restartBegins();
    kept.ends(10);
    expect(kept.see(12, "e1", 11)).toBe("same");
    expect([kept.restarted, kept.unsettled]).toEqual([true, false]);
    const lost = afterLoss();
    lost.restartBegins();
    lost.ends(30);
    expect(lost.see(32, "e1", 31)).toBe("kept");
  });
});
