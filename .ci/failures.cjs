// Prints each failed test of a JSON report of vitest, with the beginning of its message.
const { testResults } = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
for (const { name, message, assertionResults } of testResults) {
  const file = require("node:path").relative(process.cwd(), name);
  const failed = assertionResults.filter(({ status }) => status === "failed");
  for (const { fullName, failureMessages } of failed)
    console.log(
      `failed test: ${file}: ${fullName}\n  ${failureMessages.join("\n").slice(0, 2000).replaceAll("\n", "\n  ")}`,
    );
  if (failed.length === 0 && message) console.log(`failed file: ${file}: ${message.slice(0, 2000)}`);
}
