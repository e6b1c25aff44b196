import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { lineOfValue } from "../json.js";
import { didYouMean } from "../suggest.js";
import { jsonOf, placeIn, readText } from "./files.js";
import { TypedOption } from "./options.js";
import { UsageError } from "./usage.js";

/** Name of the configuration file that is read from the working directory. */
export const CONFIG_FILE = "seqsync.config.json";

/** Returns the options of a command that a configuration file can hold, by their name in the file. */
export function settingsOf(command: Command): Map<string, TypedOption> {
  const options = command.options.filter((option) => option instanceof TypedOption);
  return new Map(options.filter(({ isSetting }) => isSetting).map((option) => [option.attributeName(), option]));
}

/**
 * Reads a configuration file into the options of a command, except those that the command line sets. `all` is the
 * command that has all settings; those that `command` lacks are ignored. Throws UsageError for a file that is missing
 * although it was named, for an unknown setting, and for a wrong value.
 */
export function applyConfig(command: Command, all: Command, file: string | undefined): { urls: string[] } {
  const path = file ?? CONFIG_FILE;
  if (file === undefined && !existsSync(path)) return { urls: [] };
  const known = settingsOf(all);
  const own = settingsOf(command);
  let urls: string[] = [];
  const { settings, lineOf } = readConfig(path);
  for (const [key, value] of Object.entries(settings)) {
    if (key === "$schema") continue;
    const place = () => placeIn(path, lineOf(key));
    const wrong = (what: string) => new UsageError(`${place()}: "${key}" ${what}`);
    if (key === "urls") {
      if (!isList(value) || value.length === 0) throw wrong("must be a list of URLs");
      urls = value;
      continue;
    }
    const option = known.get(key);
    if (option === undefined)
      throw new UsageError(`${place()}: unknown setting "${key}"${didYouMean(key, ["urls", ...known.keys()])}`);
    const parsed = parseSetting(option, value, dirname(path), wrong);
    const target = own.get(key)?.attributeName();
    if (target !== undefined && !["cli", "env"].includes(command.getOptionValueSource(target) ?? ""))
      command.setOptionValueWithSource(target, parsed, "config");
  }
  return { urls };
}

function readConfig(path: string): { settings: Record<string, unknown>; lineOf: (key: string) => number } {
  const text = readText(path);
  const value = jsonOf(path, text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${placeIn(path, 1)}: the file must contain a JSON object`);
  return { settings: value as Record<string, unknown>, lineOf: (key) => lineOfValue(text, [key]) };
}

const isList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");

/** Converts a setting to the value that the option has on the command line. */
function parseSetting(
  option: TypedOption,
  value: unknown,
  folder: string,
  wrong: (what: string) => UsageError,
): unknown {
  switch (option.type) {
    case "boolean":
      if (typeof value !== "boolean") throw wrong("must be true or false");
      return value;
    case "list":
      if (!isList(value)) throw wrong("must be a list of strings");
      return value;
    case "integer":
    case "number":
      if (typeof value !== "number") throw wrong("must be a number");
      break;
    case "string":
      if (typeof value !== "string") throw wrong("must be a string");
  }
  try {
    if (option.isFile && value !== "-") return resolve(folder, String(value));
    return option.parseArg === undefined ? value : option.parseArg(String(value), undefined);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw wrong(`is invalid. ${error.message}`);
    throw error;
  }
}
