import { InvalidArgumentError, Option } from "commander";

/** The type of an option's value, as a configuration file holds it. */
export type ValueType = "boolean" | "integer" | "number" | "string" | "list";

/** An option of a command, with the properties that the configuration file and its schema need. */
export class TypedOption extends Option {
  readonly type: ValueType;
  /** The description without the note that a list is repeatable. */
  readonly about: string;
  /** Smallest and largest value of a number. */
  readonly range: { min: number; max: number } | undefined;
  /** Whether the value is the name of a file, which a configuration file gives relative to itself. */
  isFile = false;
  /** Whether a configuration file can hold it; false for options that concern a single run. */
  isSetting = true;

  constructor(type: ValueType, flags: string, about: string, range?: { min: number; max: number }) {
    super(flags, type === "list" ? `${about} (repeatable)` : about);
    this.type = type;
    this.about = about;
    this.range = range;
  }

  /** Keeps the option out of configuration files. */
  notInConfig(): this {
    this.isSetting = false;
    return this;
  }
}

/** An option without a value. */
export const flag = (flags: string, about: string) => new TypedOption("boolean", flags, about);

/** An option with a text. */
export const text = (flags: string, about: string) => new TypedOption("string", flags, about);

/** An option with the name of a file. */
export function file(flags: string, about: string): TypedOption {
  const option = text(flags, about);
  option.isFile = true;
  return option;
}

/** An option whose value is one of several words. */
export const choice = (flags: string, about: string, values: readonly string[]) => text(flags, about).choices(values);

/** An option with a text that can be given more than once. */
export const list = (flags: string, about: string) =>
  new TypedOption("list", flags, about).argParser((value, before: string[] | undefined) => [...(before ?? []), value]);

/** An option with a whole number in a range. */
export const integer = (flags: string, about: string, min: number, max: number) =>
  new TypedOption("integer", flags, about, { min, max }).argParser((text) => {
    if (!/^\d+$/.test(text) || isOutside(Number(text), min, max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return Number(text);
  });

/** An option with a decimal number in a range. */
export const number = (flags: string, about: string, min: number, max: number) =>
  new TypedOption("number", flags, about, { min, max }).argParser((text) => {
    if (!/^\d+(\.\d+)?$/.test(text) || isOutside(Number(text), min, max))
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    return Number(text);
  });

const isOutside = (value: number, min: number, max: number) => value < min || value > max;
