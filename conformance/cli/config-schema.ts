import { REQUIREMENTS } from "../requirements/requirements.js";
import { checkCommand } from "./check.js";
import { settingsOf } from "./config.js";
import type { TypedOption } from "./options.js";

/**
 * Returns the JSON Schema of the configuration file, derived from the options of `seqsync check`. config.schema.json,
 * which the package and the documentation contain, is generated from it.
 */
export function configSchema(): object {
  const settings = [...settingsOf(checkCommand)].map(([key, option]) => [key, schemaOf(key, option)]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of seqsync check",
    type: "object",
    properties: {
      $schema: { type: "string" },
      urls: {
        type: "array",
        items: { type: "string", format: "uri" },
        minItems: 1,
        description:
          "base URLs of the server; several URLs are front ends of one deployment. Ignored if the command line has a server",
      },
      ...Object.fromEntries(settings),
    },
    additionalProperties: false,
  };
}

function schemaOf(key: string, { type, about, range, argChoices, defaultValue }: TypedOption): object {
  return {
    ...(type === "list" ? { type: "array", items: itemsOf(key) } : { type }),
    ...(range === undefined ? {} : { minimum: range.min, maximum: range.max }),
    ...(argChoices === undefined ? {} : { enum: argChoices }),
    description: about,
    ...(defaultValue === undefined ? {} : { default: defaultValue }),
  };
}

function itemsOf(key: string): object {
  const profiles = [...new Set(Object.values(REQUIREMENTS).map(({ profile }) => profile))];
  return key === "profile"
    ? { type: "string", enum: profiles.filter((profile) => profile !== "CLIENT") }
    : { type: "string" };
}
