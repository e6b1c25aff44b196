import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { checkCommand } from "./check.js";
import { applyConfig, settingsOf } from "./config.js";
import { configSchema } from "./config-schema.js";
import { collect, whole } from "./usage.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A command with one option of each kind, after it has read these arguments and this file. */
function applied(settings: unknown, args: string[] = []) {
  const file = join(folder, "seqsync.config.json");
  writeFileSync(file, typeof settings === "string" ? settings : JSON.stringify(settings));
  const command = new Command("test")
    .option("--only <pattern>", "which; may be repeated", collect)
    .addOption(new Option("--concurrency <n>", "how many").argParser(whole(1, 256)).default(16))
    .addOption(new Option("--codec <codec>", "which").choices(["proto", "json"]))
    .option("--no-http2", "not that")
    .option("--slow", "also those")
    .option("--ca <file>", "whom to trust")
    .action(() => {});
  command.parse(args, { from: "user" });
  return { ...applyConfig(command, command, file), ...command.opts() };
}

describe("settings in a file", () => {
  test("are options, with files beside it", () => {
    const settings = {
      $schema: "x",
      urls: ["http://a"],
      only: ["ack"],
      concurrency: 4,
      codec: "json",
      http2: false,
      slow: true,
      ca: "ca.pem",
    };
    expect(applied(settings)).toEqual({
      urls: ["http://a"],
      only: ["ack"],
      concurrency: 4,
      codec: "json",
      http2: false,
      slow: true,
      ca: join(folder, "ca.pem"),
    });
  });

  test("give way to flags, also to one that says what is the default", () => {
    expect(applied({ concurrency: 4, only: ["ack"] }, ["--concurrency", "16", "--only", "sync"])).toMatchObject({
      concurrency: 16,
      only: ["sync"],
    });
  });

  test.each([
    [{ concurency: 4 }, /no setting "concurency"; did you mean "concurrency"\?/],
    [{ url: ["http://a"] }, /did you mean "urls"\?/],
    [{ zzzzzzzz: 1 }, /no setting "zzzzzzzz"$/],
    [{ concurrency: 0 }, /"concurrency" is wrong\. It must be a whole number from 1 to 256/],
    [{ concurrency: "4" }, /"concurrency" must be a number/],
    [{ codec: "xml" }, /"codec" is wrong\. Allowed choices are proto, json/],
    [{ only: "ack" }, /"only" must be a list of strings/],
    [{ slow: "yes" }, /"slow" must be true or false/],
    [{ urls: "http://a" }, /"urls" must be a list of URLs/],
    ["{", /is not JSON/],
    [[], /must hold a JSON object/],
  ])("that say %j are refused", (settings, why) => {
    expect(() => applied(settings)).toThrow(why);
  });

  test("that are asked for must be there; otherwise need not", () => {
    expect(() => applyConfig(checkCommand, checkCommand, join(folder, "none.json"))).toThrow(/ENOENT/);
    mkdirSync(join(folder, "empty"));
    expect(applyConfig(checkCommand, checkCommand, undefined)).toEqual({ urls: [] });
  });
});

test("the schema that is shipped is that of the options: npx tsx conformance/cli/write-config-schema.ts", () => {
  const shipped = JSON.parse(readFileSync(new URL("config.schema.json", import.meta.url), "utf8"));
  expect(shipped).toEqual(configSchema());
  for (const key of settingsOf(checkCommand).keys()) expect(shipped.properties).toHaveProperty(key);
});
