import { REQUIREMENTS } from "../requirements/requirements.js";
import { checkCommand } from "./check.js";
import { settingsOf, typeOf } from "./config.js";

/** The JSON schema of `seqsync.config.json`, from the options of `seqsync check`. config.schema.json is it, for editors. */
export function configSchema(): object {
  const settings = [...settingsOf(checkCommand)].map(([key, option]): [string, object] => {
    const { description, argChoices, defaultValue } = option;
    const common = {
      description: description.replace(/; may be repeated$/, ""),
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
    };
    switch (typeOf(option)) {
      case "boolean":
        return [key, { type: "boolean", ...common }];
      case "number":
        return [key, { type: "number", ...common }];
      case "list":
        return [key, { type: "array", items: itemsOf(key), ...common }];
      default:
        return [key, { type: "string", ...(argChoices === undefined ? {} : { enum: argChoices }), ...common }];
    }
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Settings of seqsync check",
    type: "object",
    properties: {
      $schema: { type: "string" },
      urls: {
        type: "array",
        items: { type: "string", format: "uri" },
        minItems: 1,
        description:
          "Base URLs of the server; several are front ends of one deployment. Used if the command line has none",
      },
      ...Object.fromEntries(settings),
    },
    additionalProperties: false,
  };
}

function itemsOf(key: string): object {
  const profiles = [...new Set(Object.values(REQUIREMENTS).map(({ profile }) => profile))];
  return key === "profile"
    ? { type: "string", enum: profiles.filter((profile) => profile !== "CLIENT") }
    : { type: "string" };
}
