/** Command lines of the scripts that test and measure the suite. */
import { type ParseArgsConfig, parseArgs } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

let usageText = "";

/** Parses the command line. Prints the usage and exits with 0 if there is --help, or with 2 if an option is unknown. */
export function parseCommandLine<const T extends Options>(usage: string, options: T): Values<T> {
  usageText = usage;
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if ((values as { help?: boolean }).help === true) {
      console.log(usage);
      process.exit(0);
    }
    return values as Values<T>;
  } catch (error) {
    return exitWithUsage(error instanceof Error ? error.message : String(error));
  }
}

/** Prints what is wrong with the command line, and exits with 2. */
export function exitWithUsage(message: string): never {
  console.error(`${message}\n\n${usageText}`);
  process.exit(2);
}

/** Reads the value of an option that is a positive integer. */
export function count(option: string, value: string): number {
  const number = Number(value);
  return Number.isInteger(number) && number > 0
    ? number
    : exitWithUsage(`--${option} must be a positive integer, not "${value}"`);
}

/** Reads the value of an option that is one of several words. */
export function oneOf<T extends string>(option: string, value: string, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  return found ?? exitWithUsage(`--${option} must be one of ${words.join(", ")}, not "${value}"`);
}

/** Reads the values of an option that are regular expressions. */
export function patterns(option: string, values: readonly string[] | undefined): RegExp[] | undefined {
  return values?.map((value) => {
    try {
      return new RegExp(value);
    } catch {
      return exitWithUsage(`--${option} must be a regular expression, not "${value}"`);
    }
  });
}
