#!/usr/bin/env node
import "../proto/base64.js";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import { type LogEntry, startReferenceServer } from "./index.js";

/** A usage error. The command prints it as one line on standard error, and exits with code 2. */
class UsageError extends Error {}

const program = new Command("seqsync-reference-server")
  .description(
    "Runs the Seq Sync reference server, with all data in memory. For tests and for reading, not for production.",
  )
  .option("--host <address>", "address to bind to", "127.0.0.1")
  .addOption(
    new Option("--port <port>", "port to bind to; 0 takes a free one").argParser(whole(0, 65_535)).default(8080),
  )
  .option(
    "--fixtures",
    "serve the FixtureService, which creates accounts for every client; on a non-loopback address it requires the environment variable SEQSYNC_FIXTURE_TOKEN",
  )
  .option(
    "--accounts <file>",
    "file of accounts to create, one user:token per line; the environment variable SEQSYNC_ACCOUNTS holds further ones, separated by spaces",
  )
  .addOption(
    new Option("--max-page-size <n>", "maximum number of messages in a page")
      .argParser(whole(1, 100_000))
      .default(1000),
  )
  .addOption(
    new Option("--max-payload-bytes <n>", "maximum size of a payload in bytes")
      .argParser(whole(1, 16 << 20))
      .default(64 << 10),
  )
  .addOption(
    new Option("--max-backlog <n>", "maximum number of unacknowledged messages in an inbox")
      .argParser(whole(1, 10_000_000))
      .default(10_000),
  )
  .addOption(
    new Option("--dedup-window <seconds>", "time in which a retried Send is recognised")
      .argParser(whole(1, 604_800))
      .default(600),
  )
  .option("--json-logs", "write a line of JSON to standard output for each response")
  .addHelpText("after", "\nExample:\n  SEQSYNC_ACCOUNTS='alice:secret1 bob:secret2' seqsync-reference-server --port 0")
  .showSuggestionAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

interface Flags {
  host: string;
  port: number;
  fixtures?: true;
  accounts?: string;
  maxPageSize: number;
  maxPayloadBytes: number;
  maxBacklog: number;
  dedupWindow: number;
  jsonLogs?: true;
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const fixtureToken = process.env["SEQSYNC_FIXTURE_TOKEN"];
  if (flags.fixtures && !fixtureToken && !isLoopback(flags.host)) {
    throw new UsageError(
      `--fixtures on ${flags.host} lets every client create accounts: set SEQSYNC_FIXTURE_TOKEN, or bind to 127.0.0.1`,
    );
  }
  const accounts = readAccounts(flags.accounts);
  const options = {
    ...flags,
    fixtures: flags.fixtures ?? false,
    dedupWindowMs: flags.dedupWindow * 1000,
    ...(fixtureToken ? { fixtureToken } : {}),
    ...(flags.jsonLogs
      ? { log: (entry: LogEntry) => console.log(JSON.stringify({ time: new Date().toISOString(), ...entry })) }
      : {}),
  };
  const server = await startReferenceServer(options).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot listen on ${flags.host} port ${flags.port}: ${error.code ?? error.message}; try --port 0 for a free port`,
    );
  });
  for (const { userId, token } of accounts) server.service.createAccount(userId, token);

  // The first line is for programs: with --port 0 they learn the port from it.
  if (flags.jsonLogs) console.log(JSON.stringify({ listening: server.url }));
  else console.log(`listening on ${server.url}`);
  if (!flags.fixtures && accounts.length === 0)
    console.error(
      "the server has no accounts: add them with --accounts FILE or SEQSYNC_ACCOUNTS, or use --fixtures for tests",
    );
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => void server.close().then(() => process.exit(0)));
}

function readAccounts(file: string | undefined): { userId: string; token: string }[] {
  const texts: [string, string][] = [["SEQSYNC_ACCOUNTS", process.env["SEQSYNC_ACCOUNTS"] ?? ""]];
  try {
    if (file !== undefined) texts.push([file, readFileSync(file, "utf8")]);
  } catch (error) {
    throw new UsageError(`cannot read --accounts ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const seen = new Set<string>();
  const tokens = new Set<string>();
  return texts.flatMap(([source, text]) =>
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((entry, index) => {
        // The last colon separates: a user id may contain one, a token may not. The entry is secret and not part of
        // messages.
        const [, userId = "", token = ""] = /^(.+):([\x21-\x39\x3b-\x7e]+)$/.exec(entry) ?? [];
        const bytes = Buffer.byteLength(userId);
        if (bytes < 1 || bytes > 128 || token.length > 4096)
          throw new UsageError(
            `${source}, entry ${index + 1}: expected user:token, with a user id of 1 to 128 bytes and a token of at most 4096 bytes`,
          );
        if (seen.has(userId)) throw new UsageError(`${source}, entry ${index + 1}: duplicate account ${userId}`);
        if (tokens.has(token)) throw new UsageError(`${source}, entry ${index + 1}: another account has this token`);
        seen.add(userId);
        tokens.add(token);
        return { userId, token };
      }),
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Creates a parser of whole numbers from `min` to `max`. */
function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

main().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(`seqsync-reference-server: ${error.message}`);
  process.exit(2);
});
