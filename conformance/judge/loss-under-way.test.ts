import { describe, expect, it } from "vitest";
import { Story } from "../testing/story.js";

describe("a Send that was under way while its inbox lost its data", () => {
  it("may have landed after the loss", () => {
    const story = new Story().open("bob", 0);
    story.sync(0).page(0, 0);
    const send = story.send("m1");
    story.rotate();
    send.ok();
    story.sync(0).page(0, 1, ["m1"], { epoch: "e2" });
    expect(story.blamed()).toEqual([]);
  });

  it("may have landed before it, so that its id is free", () => {
    const story = new Story().open("bob", 0).open("carol", 0);
    story.sync(0).page(0, 0);
    const send = story.send("m1");
    story.rotate();
    send.ok();
    story.send("m1", { to: "carol" }).ok(2);
    expect(story.blamed()).toEqual([]);
  });
});
