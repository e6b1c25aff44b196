import { Command } from "commander";
import { exitCodesHelp } from "./exit-code.js";
import { listMutants } from "./local-server.js";
import { choice } from "./options.js";
import { print } from "./terminal.js";

export const mutantsCommand = new Command("mutants")
  .summary("list the faulty servers for `seqsync check --mutant`")
  .description(
    "Lists the mutants, the faulty servers that test the suite: name, violated requirement, and what the server does wrong.",
  )
  .addOption(choice("--format <format>", "output format", ["text", "json"]).default("text"))
  .addHelpText("after", exitCodesHelp("mutants"))
  .action(async ({ format }: { format: "text" | "json" }) => {
    const mutants = await listMutants();
    const text =
      format === "json"
        ? JSON.stringify(mutants, undefined, 2)
        : mutants.map(({ name, breaks, about }) => `${name.padEnd(40)} ${breaks.padEnd(22)} ${about}`).join("\n");
    print(`${text}\n`);
  });
