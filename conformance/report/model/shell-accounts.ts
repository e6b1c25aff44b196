import { create, toBinary } from "@bufbuild/protobuf";
import {
  CreateAccountRequestSchema,
  FixtureService,
  StepClockRequestSchema,
} from "../../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { CaseAccount } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { quoted } from "../../shell.js";
import { epochVariable, prefixOf, type Target, type Variables } from "./shell-text.js";

/** Reads a string from the JSON of a response. */
const JSON_FIELD = `field() { sed -n "s/.*\\"$1\\": *\\"\\([^\\"]*\\)\\".*/\\1/p"; }`;

/** Reads a string from the binary form of a response; its argument is the number of the field. */
const BINARY_FIELD =
  'field() { od -An -v -tu1 | awk -v f="$1" \'{for(i=1;i<=NF;i++)b[n++]=$i} function v(s,m){s=0;m=1;do{c=b[p++];s+=(c%128)*m;m*=128}while(c>=128);return s} END{while(p<n){t=v();if(t%8==0){v();continue}l=v();if(int(t/8)==f)for(j=0;j<l;j++)printf "%c",b[p+j];p+=l}}\'; }';

/** Prints the length of a text as an octal escape for printf. */
const LENGTH = `len() { printf '\\\\%03o' "\${#1}"; }`;

/** Lines that create the accounts, and set the variables for their user ids, tokens and epochs. */
export function accountLines(accounts: readonly CaseAccount[], variables: Variables, target: Target): string[] {
  if (accounts.length === 0) return [];
  const isJson = target.profiles.includes("JSON");
  const needsEpoch = [...variables.epochs.values()].some((epochs) => epochs.length > 0);
  const length = isJson ? [LENGTH] : [LENGTH];
  const field = isJson ? JSON_FIELD : BINARY_FIELD;
  if (!target.fixtures)
    return [
      ...length,
      ...(needsEpoch ? [field] : []),
      ...accounts.flatMap((account) => [
        `${prefixOf(account)}_ID=${quoted(account.userId)}`,
        `${prefixOf(account)}_TOKEN=${`"the token of ${account.userId} in ${target.accounts.replaceAll(/["$`\\]/g, "")}"`}`,
        ...epochLine(account, 0, variables, target),
      ]),
    ];
  return [
    ...length,
    field,
    ...accounts.flatMap((account) => {
      const name = prefixOf(account);
      const startSeq = account.startSeq ?? 0;
      const create = fixtureCall("CreateAccount", createBody(startSeq, isJson), target);
      const [id, token] = isJson ? ["userId", "token"] : ["1", "2"];
      return [
        isJson
          ? `A=$(${create}); ${name}_ID=$(echo "$A" | field ${id}); ${name}_TOKEN=$(echo "$A" | field ${token})`
          : `A=$(mktemp); ${create} > "$A"; ${name}_ID=$(field ${id} < "$A"); ${name}_TOKEN=$(field ${token} < "$A"); rm "$A"`,
        ...epochLine(account, 0, variables, target),
      ];
    }),
  ];
}

function createBody(startSeq: number, isJson: boolean): string {
  if (isJson) return `'${startSeq === 0 ? "{}" : `{"startSeq":${startSeq}}`}'`;
  return octalOf(toBinary(CreateAccountRequestSchema, create(CreateAccountRequestSchema, { startSeq })));
}

const octalOf = (bytes: Uint8Array) => [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");

function fixtureCall(rpc: string, body: string, { profiles, fixtureCredential, curlArguments }: Target): string {
  const isJson = profiles.includes("JSON");
  const words = [
    "curl -sS",
    ...curlArguments,
    ...(fixtureCredential ? ['-H "Authorization: Bearer $SEQSYNC_FIXTURE_TOKEN"'] : []),
    `-H 'Content-Type: application/${isJson ? "json" : "proto"}'`,
    isJson ? `-d ${body}` : "--data-binary @-",
    `"$URL/${FixtureService.typeName}/${rpc}"`,
  ];
  return isJson ? words.join(" ") : `printf '${body}' | ${words.join(" ")}`;
}

/** The line that asks for the epoch of an inbox, if a call needs it. A Sync with cli_seq 0 changes nothing. */
function epochLine(account: CaseAccount, index: number, { epochs }: Variables, target: Target): string[] {
  if (epochs.get(account.userId)?.[index] === undefined) return [];
  const isJson = target.profiles.includes("JSON");
  const type = `-H 'Content-Type: application/${isJson ? "json" : "proto"}'`;
  const credential = `-H "Authorization: Bearer $${prefixOf(account)}_TOKEN"`;
  const connection = target.curlArguments.map((word) => `${word} `).join("");
  const call = `curl -sS ${connection}${credential} ${type} --data-binary '${isJson ? "{}" : ""}' "$URL/${SeqSyncService.typeName}/Sync"`;
  return [`${epochVariable(account, index)}=$(${call} | field ${isJson ? "epoch" : "1"})`];
}

/** The line that sets the wall clock of the server to the true time plus `offsetMs` milliseconds. */
export function stepClockLine(offsetMs: number, target: Target): string {
  const body = target.profiles.includes("JSON")
    ? `'{"offsetMs":${offsetMs}}'`
    : octalOf(toBinary(StepClockRequestSchema, create(StepClockRequestSchema, { offsetMs })));
  return `${fixtureCall("StepClock", body, target)}; echo`;
}

/** The line for an action of the suite: a fixture call, or a restart. */
export function fixtureLine(event: Event | undefined, variables: Variables, target: Target): string[] {
  const body = event?.body;
  if (body?.case === "restartCall") return ["# here the case killed the server and started it again"];
  if (body?.case === "stepClockCall") return [stepClockLine(body.value.offsetMs, target)];
  if (body?.case !== "rotateCall" && body?.case !== "revokeCall") return [];
  const account = variables.accounts.find(({ userId }) => userId === body.value.userId);
  if (account === undefined) return [];
  const isJson = target.profiles.includes("JSON");
  const isRotate = body.case === "rotateCall";
  const variable = `${prefixOf(account)}_${isRotate ? "ID" : "TOKEN"}`;
  const member = isRotate ? "userId" : "token";
  const text = isJson ? `'{"${member}":"'"$${variable}"'"}'` : `\\012'"$(len "$${variable}")"'%s`;
  const call = fixtureCall(isRotate ? "RotateEpoch" : "RevokeToken", text, target);
  const line = isJson ? call : call.replace("' | curl", `' "$${variable}" | curl`);
  const index = (variables.rotations.get(account.userId) ?? 0) + 1;
  if (isRotate) variables.rotations.set(account.userId, index);
  return [`${line}; echo`, ...(isRotate ? epochLine(account, index, variables, target) : [])];
}
