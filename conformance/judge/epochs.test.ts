import { describe, expect, it } from "vitest";
import { Epochs } from "./epochs.js";

/** The epochs of an inbox that showed epoch "e1" and then lost its data until 20. */
function afterLoss(): Epochs {
  const epochs = new Epochs();
  expect(epochs.observe(2, "e1", 1)).toBe("same");
  epochs.beginRotation();
  epochs.end(20);
  return epochs;
}

describe("an epoch", () => {
  it("is that of the first response, and must not change", () => {
    const epochs = new Epochs();
    expect(epochs.observe(2, "e1", 1)).toBe("same");
    expect(epochs.observe(4, "e1", 3)).toBe("same");
    expect(epochs.observe(6, "e2", 5)).toBe("changed");
    expect(epochs.current).toBe("e1");
  });

  it("must be new after a data loss", () => {
    expect(afterLoss().observe(22, "e2", 21)).toBe("renewed");
    expect(afterLoss().observe(22, "e1", 21)).toBe("not-renewed");
    const again = afterLoss();
    again.observe(22, "e2", 21);
    again.beginRotation();
    again.end(30);
    expect(again.observe(32, "e1", 31)).toBe("reused");
  });

  it("may be the old one in the response to a call that began before the loss ended", () => {
    const epochs = afterLoss();
    expect(epochs.observe(22, "e1", 20)).toBe("same");
    expect(epochs.unsettled).toBe(true);
    expect(epochs.observe(24, "e2", 21)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
    expect(epochs.observe(25, "e1", 20)).toBe("outdated");
    expect(epochs.observe(26, "e1", 25)).toBe("changed");
  });

  it("may be the new one before the loss ends, which settles it", () => {
    const epochs = new Epochs();
    epochs.observe(2, "e1", 1);
    epochs.beginRotation();
    expect(epochs.observe(12, "e2", 3)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
    expect(epochs.observe(13, "e1", 3)).toBe("outdated");
    epochs.end(20); // no change is pending
    expect(epochs.observe(22, "e2", 21)).toBe("same");
  });

  it("is not judged while the epoch before the loss is unknown", () => {
    const epochs = new Epochs();
    epochs.beginRotation();
    expect(epochs.observe(5, "e1", 1)).toBe("outdated");
    epochs.end(10);
    expect(epochs.observe(11, "e1", 10)).toBe("outdated");
    expect(epochs.observe(12, "e2", 11)).toBe("renewed");
  });

  it("may be any of several new ones after several losses", () => {
    const epochs = afterLoss();
    epochs.beginRotation();
    epochs.end(30);
    expect(epochs.observe(32, "e2", 5)).toBe("renewed");
    expect(epochs.unsettled).toBe(true); // another change is pending
    expect(epochs.observe(33, "e1", 5)).toBe("outdated");
    // The call began before "e2" was seen: the server may have processed it before, and the response was late.
    expect(epochs.observe(34, "e3", 5)).toBe("outdated");
    expect(epochs.unsettled).toBe(true);
    expect(epochs.observe(40, "e3", 35)).toBe("renewed");
    expect(epochs.unsettled).toBe(false);
  });

  it("may stay or change in a restart, but must change if the inbox lost its data before", () => {
    const kept = new Epochs();
    kept.observe(2, "e1", 1);
    kept.beginRestart();
    kept.end(10);
    expect(kept.observe(12, "e1", 11)).toBe("same");
    expect([kept.restarted, kept.unsettled]).toEqual([true, false]);
    const lost = afterLoss();
    lost.beginRestart();
    lost.end(30);
    expect(lost.observe(32, "e1", 31)).toBe("not-renewed");
  });
});
