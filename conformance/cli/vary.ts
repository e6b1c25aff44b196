import { InvalidArgumentError } from "commander";
import { ASPECTS } from "../harness/variation.js";
import { didYouMean } from "../suggest.js";
import { text } from "./options.js";

/** The option that chooses what varies in requests and messages. `unset` says what varies without it. */
export const varyOption = (unset = "all, in one of the runs of each case") =>
  text(
    "--vary <aspects>",
    `what varies in requests and messages: none, all, or names with commas: ${ASPECTS.join(", ")} (default: ${unset})`,
  ).argParser(parseAspects);

/** Parses a list of aspects. Throws InvalidArgumentError for an unknown name. */
export function parseAspects(value: string): string[] {
  if (value === "none") return [];
  if (value === "all") return [...ASPECTS];
  const names = value.split(",").map((name) => name.trim());
  for (const name of names)
    if (!ASPECTS.includes(name))
      throw new InvalidArgumentError(
        `"${name}" is no aspect${didYouMean(name, ASPECTS) || `; use none, all, or some of ${ASPECTS.join(", ")}`}`,
      );
  return names;
}
