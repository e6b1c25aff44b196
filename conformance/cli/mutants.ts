import { Command, Option } from "commander";
import { listMutants } from "./local-server.js";

export const mutantsCommand = new Command("mutants")
  .summary("print the faulty servers that `seqsync check --mutant NAME` starts")
  .description(
    "Prints the faulty servers that the suite is tested with: the name, the requirement that it breaks, and what it does wrong.",
  )
  .addOption(new Option("--format <format>", "for people or for tools").choices(["text", "json"]).default("text"))
  .action(async ({ format }: { format: "text" | "json" }) => {
    const mutants = await listMutants();
    const text =
      format === "json"
        ? JSON.stringify(mutants, undefined, 2)
        : mutants.map(({ name, breaks, about }) => `${name.padEnd(40)} ${breaks.padEnd(22)} ${about}`).join("\n");
    process.stdout.write(`${text}\n`);
  });
