import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { checkCommand } from "./check.js";
import { applyConfig, settingsOf } from "./config.js";
import { configSchema } from "./config-schema.js";
import { choice, file, flag, integer, list } from "./options.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns the options of a command with one option of each type, after it has parsed these arguments and this file. */
function applied(settings: unknown, args: string[] = []) {
  const path = join(folder, "seqsync.config.json");
  writeFileSync(path, typeof settings === "string" ? settings : JSON.stringify(settings));
  const command = new Command("test")
    .addOption(list("--only <pattern>", "a list"))
    .addOption(integer("--concurrency <n>", "a number", 1, 256).default(16))
    .addOption(choice("--codec <codec>", "a choice", ["proto", "json"]))
    .addOption(flag("--no-http2", "a negated flag"))
    .addOption(flag("--thorough", "a flag"))
    .addOption(file("--ca <file>", "a file"))
    .addOption(flag("--reference", "not a setting").notInConfig())
    .action(() => {});
  command.parse(args, { from: "user" });
  return { ...applyConfig(command, command, path), ...command.opts() };
}

describe("a configuration file", () => {
  test("sets options; file names are relative to it", () => {
    const settings = {
      $schema: "x",
      urls: ["http://a"],
      only: ["ack"],
      concurrency: 4,
      codec: "json",
      http2: false,
      thorough: true,
      ca: "ca.pem",
    };
    expect(applied(settings)).toEqual({
      urls: ["http://a"],
      only: ["ack"],
      concurrency: 4,
      codec: "json",
      http2: false,
      thorough: true,
      ca: join(folder, "ca.pem"),
    });
  });

  test("is overridden by the command line, even by an option with its default", () => {
    expect(applied({ concurrency: 4, only: ["ack"] }, ["--concurrency", "16", "--only", "sync"])).toMatchObject({
      concurrency: 16,
      only: ["sync"],
    });
  });

  test.each([
    [{ concurency: 4 }, /unknown setting "concurency"; did you mean "concurrency"\?/],
    [{ url: ["http://a"] }, /did you mean "urls"\?/],
    [{ zzzzzzzz: 1 }, /unknown setting "zzzzzzzz"$/],
    [{ reference: true }, /unknown setting "reference"/],
    [{ concurrency: 0 }, /"concurrency" is invalid\. It must be a whole number from 1 to 256/],
    [{ concurrency: "4" }, /"concurrency" must be a number/],
    [{ codec: "xml" }, /"codec" is invalid\. Allowed choices are proto, json/],
    [{ only: "ack" }, /"only" must be a list of strings/],
    [{ thorough: "yes" }, /"thorough" must be true or false/],
    [{ urls: "http://a" }, /"urls" must be a list of URLs/],
    ["{\n  x", /config\.json, line 2: this is not JSON, from column 3 on$/],
    ['{\n "only": ["ack"],\n "thorough": 1}', /config\.json, line 3: "thorough" must be true or false/],
    [[], /must contain a JSON object/],
  ])("with %j is rejected", (settings, why) => {
    expect(() => applied(settings)).toThrow(why);
  });

  test("must exist only if it is named", () => {
    expect(() => applyConfig(checkCommand, checkCommand, join(folder, "none.json"))).toThrow(/no such file/);
    mkdirSync(join(folder, "empty"));
    expect(applyConfig(checkCommand, checkCommand, undefined)).toEqual({ urls: [] });
  });
});

test("config.schema.json is up to date with the options of check: `npm run generate` writes it", () => {
  const shipped = JSON.parse(readFileSync(new URL("config.schema.json", import.meta.url), "utf8"));
  expect(shipped).toEqual(configSchema());
  for (const key of settingsOf(checkCommand).keys()) expect(shipped.properties).toHaveProperty(key);
});
