import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { didYouMean } from "./suggest.js";
import { UsageError } from "./usage.js";

export const CONFIG_FILE = "seqsync.config.json";

/** Options that have no place in a file: they are about one run. */
const NOT_SETTINGS = ["reference", "config", "shard", "help", "writeKnownFailures"];
/** Settings that name files; relative ones are beside the settings. */
const FILES = ["accounts", "ca", "cert", "key", "knownFailures", "record"];

/** Options of a command that can be settings, by their name in the file. */
export function settingsOf(command: Command): Map<string, Option> {
  const options = command.options.filter((option) => !NOT_SETTINGS.includes(option.attributeName()));
  return new Map(options.map((option) => [option.attributeName(), option]));
}

/** What a setting's value looks like. */
export function typeOf(option: Option): "boolean" | "number" | "list" | "string" {
  if (option.isBoolean() || option.negate) return "boolean";
  if (/^(seed|concurrency|timeoutScale|bail|connectTimeout|maxRequestsPerSecond)$/.test(option.attributeName()))
    return "number";
  return /may be repeated/.test(option.description) ? "list" : "string";
}

/**
 * Reads settings from a file, if there is one, into the options of a command that the command line left at their defaults. Unknown
 * keys and wrong values are errors: a typo must not be a setting without effect. `all` has the settings that the file may hold.
 */
export function applyConfig(command: Command, all: Command, file: string | undefined): { urls: string[] } {
  const path = file ?? CONFIG_FILE;
  if (file === undefined && !existsSync(path)) return { urls: [] };
  const known = settingsOf(all);
  const own = settingsOf(command);
  let urls: string[] = [];
  for (const [key, value] of Object.entries(read(path))) {
    if (key === "$schema") continue;
    const wrong = (what: string) => new UsageError(`${path}: "${key}" ${what}`);
    if (key === "urls") {
      if (!isList(value) || value.length === 0) throw wrong("must be a list of URLs");
      urls = value;
      continue;
    }
    const option = known.get(key);
    if (option === undefined)
      throw new UsageError(`${path}: there is no setting "${key}"${didYouMean(key, ["urls", ...known.keys()])}`);
    const parsed = parsedBy(option, key, value, dirname(path), wrong);
    const target = own.get(key)?.attributeName();
    if (target !== undefined && !["cli", "env"].includes(command.getOptionValueSource(target) ?? ""))
      command.setOptionValueWithSource(target, parsed, "config");
  }
  return { urls };
}

function read(path: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(code === undefined ? `${path} is not JSON: ${message}` : `cannot read ${path}: ${code}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new UsageError(`${path} must hold a JSON object`);
  return json as Record<string, unknown>;
}

const isList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");

/** The value as the option's own parser takes it. */
function parsedBy(
  option: Option,
  key: string,
  value: unknown,
  folder: string,
  wrong: (what: string) => UsageError,
): unknown {
  switch (typeOf(option)) {
    case "boolean":
      if (typeof value !== "boolean") throw wrong("must be true or false");
      return value;
    case "list":
      if (!isList(value)) throw wrong("must be a list of strings");
      return value;
    case "number":
      if (typeof value !== "number") throw wrong("must be a number");
      break;
    default:
      if (typeof value !== "string") throw wrong("must be a string");
  }
  try {
    if (FILES.includes(key) && value !== "-") return resolve(folder, String(value));
    return option.parseArg === undefined ? value : option.parseArg(String(value), undefined);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw wrong(`is wrong. ${error.message}`);
    throw error;
  }
}
