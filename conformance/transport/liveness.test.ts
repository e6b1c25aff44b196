import { describe, expect, it } from "vitest";
import { LocalError } from "./errors.js";
import { Liveness } from "./liveness.js";

/** A liveness with a clock that the test sets, in seconds. */
function withClock(scale = 1) {
  const clock = { seconds: 0 };
  return { clock, liveness: new Liveness(scale, () => clock.seconds * 1000) };
}

describe("a server", () => {
  it("has stopped responding after several attempts without a response over a time", () => {
    const { clock, liveness } = withClock();
    liveness.responded("0 Sync");
    for (const seconds of [10, 20, 30]) {
      clock.seconds = seconds;
      liveness.failed("0 Sync", "no response");
    }
    expect(liveness.signal.aborted).toBe(false);
    clock.seconds = 40;
    liveness.failed("0 Send", "connection refused");
    expect(liveness.silent).toMatchObject({ responses: 1, why: "connection refused" });
    expect(liveness.signal.aborted).toBe(true);
  });

  it("has not stopped if any other response arrives in between, or the time scale is larger", () => {
    for (const scale of [1, 2]) {
      const { clock, liveness } = withClock(scale);
      for (const seconds of [10, 20, 30, 40]) {
        clock.seconds = seconds;
        liveness.failed("0 Sync", "no response");
        if (scale === 1) liveness.responded("0 Send");
      }
      expect(liveness.silent).toBe(undefined);
    }
  });

  it("has stopped if it responds to GetServerInfo and fixtures only", () => {
    const { clock, liveness } = withClock();
    for (const seconds of [0, 10, 20, 30]) {
      clock.seconds = seconds;
      liveness.failed("0 Sync", "no response");
      liveness.responded("0 GetServerInfo");
      liveness.responded("0 CreateAccount");
    }
    expect(liveness.silent).toBeDefined();
  });

  it("has stopped if two RPCs are no longer tried, and nothing has had a response since", () => {
    for (const rpcs of [["0 Send", "0 CreateAccount"], ["0 Send"]]) {
      const { clock, liveness } = withClock();
      for (const seconds of [10, 20, 26]) {
        clock.seconds = seconds;
        for (const rpc of rpcs) liveness.failed(rpc, "no response");
      }
      liveness.withheld("0 Send");
      expect(liveness.silent !== undefined).toBe(rpcs.length > 1);
    }
  });

  it("has not stopped while it is being restarted", () => {
    const { clock, liveness } = withClock();
    liveness.pause();
    for (const seconds of [0, 10, 20, 30]) {
      clock.seconds = seconds;
      liveness.failed("0 Sync", "connection refused");
    }
    liveness.resume();
    liveness.failed("0 Sync", "connection refused");
    expect(liveness.signal.aborted).toBe(false);
  });
});

describe("one RPC", () => {
  it("is not tried again once it has no response while others have", () => {
    const { clock, liveness } = withClock();
    for (const seconds of [0, 10, 20]) {
      clock.seconds = seconds;
      liveness.failed("0 Sync", "no response");
      liveness.responded("0 Send");
    }
    expect(liveness.silenceOf("0 Sync")).toBe("3 attempts in a row had no response; not tried again");
    expect(liveness.silenceOf("1 Sync")).toBe(undefined);
    expect(liveness.silenceOf("0 Send")).toBe(undefined);
    liveness.responded("0 Sync");
    expect(liveness.silenceOf("0 Sync")).toBe(undefined);
  });

  it("ends the run if nearly all cases need it", () => {
    const { clock, liveness } = withClock();
    for (const seconds of [0, 10, 20]) {
      clock.seconds = seconds;
      liveness.failed("0 Sync", "no response");
    }
    for (let n = 0; n < 100; n += 1) liveness.withheld("0 Watch");
    expect(liveness.signal.aborted).toBe(false);
    for (let n = 0; n < 100; n += 1) liveness.withheld("0 Sync");
    expect(liveness.silentRpc).toEqual({ name: "Sync", attempts: 3 });
    expect(liveness.signal.aborted).toBe(true);
  });
});

it("an error of this machine ends the run at once", () => {
  const { liveness } = withClock();
  liveness.failedLocally(new LocalError("too few file descriptors"));
  expect(liveness.localError?.message).toBe("too few file descriptors");
  expect(liveness.signal.aborted).toBe(true);
});

it("a server floods its clients after several responses that are larger than the suite reads", () => {
  const { liveness } = withClock();
  for (let n = 0; n < 7; n += 1) liveness.oversized("0 Sync", "the response is too large");
  expect(liveness.signal.aborted).toBe(false);
  liveness.oversized("0 Send", "the response is too large");
  expect(liveness.flood).toEqual({ responses: 8, why: "the response is too large" });
  expect(liveness.signal.aborted).toBe(true);
});
