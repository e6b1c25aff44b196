import { Command } from "commander";
import { CATALOGUE } from "../cases/catalogue.js";
import { REQUIREMENTS } from "../requirements/requirements.js";
import { exitCodesHelp } from "./exit-code.js";
import { choice, flag } from "./options.js";
import { print } from "./terminal.js";

export const listCommand = new Command("list")
  .summary("list the cases or the requirements")
  .description("Lists the cases of the suite, or the requirements of the specification.")
  .addOption(flag("--requirements", "list the requirements"))
  .addOption(choice("--format <format>", "output format", ["text", "json"]).default("text"))
  .addHelpText("after", exitCodesHelp("list"))
  .action(({ requirements, format }: { requirements?: true; format: "text" | "json" }) => {
    const rows = requirements ? requirementRows() : caseRows();
    const text =
      format === "json"
        ? JSON.stringify(
            rows.map(({ data }) => data),
            undefined,
            2,
          )
        : rows.map(({ line }) => line).join("\n");
    print(`${text}\n`);
  });

function caseRows() {
  return CATALOGUE.map(({ id, title, requirements, needs = {}, codec, bulk, thorough }) => ({
    data: {
      id,
      title,
      requirements,
      needs,
      ...(codec === undefined ? {} : { codec }),
      ...(bulk ? { bulk } : {}),
      ...(thorough ? { thorough } : {}),
    },
    line: `${id}\n    ${title}\n    ${requirements.join(", ")}`,
  }));
}

function requirementRows() {
  return Object.entries(REQUIREMENTS).map(([id, { level, profile, sentence, anchor }]) => {
    const cases = CATALOGUE.filter(({ requirements }) => (requirements as readonly string[]).includes(id)).map(
      (it) => it.id,
    );
    return {
      data: { id, level, profile, sentence, anchor, cases },
      line: `${id} (${level}, ${profile})\n    ${sentence}`,
    };
  });
}
