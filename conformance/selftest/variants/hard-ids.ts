import { create } from "@bufbuild/protobuf";
import { CreateAccountResponseSchema } from "../../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import type { HandlerOptions, ServiceOptions } from "../../../reference-server/index.js";

/** Beginnings and ends of ids that text handling, JSON, URLs, base64, shells, terminals and databases may treat specially. */
const AFFIXES: readonly (readonly [start: string, end: string])[] = [
  ["+/=", "=="],
  ["%2F%00", "%"],
  ["\"'\\", "'"],
  ["\n", "\r\n"],
  ["\u0000", "\u0000"],
  ["\u202e\u05d0", "\u05d1"],
  [" ", " "],
  ["0", ".0"],
  ["?OK$&{}", "`$(x)`"],
  ["<b>&amp;", "</b>"],
  ["\u001b[31m", "\u001b[0m"],
  ["e\u0301", "\u00e9"],
  ["👩‍👩‍👧", "😀"],
  ["\ufeff\u2028", "\u2029"],
  ["a:b,c;", "#"],
  ["../", "/.."],
  ["__proto__", "constructor"],
];

/** Forms of one id that a careless comparison takes for equal. */
const LOOK_ALIKES: readonly ((text: string) => string)[] = [
  (text) => `${text}k\u00e9`,
  (text) => `${text}k\u00e9 `,
  (text) => `${text}K\u00e9`,
  (text) => `${text}k\u00c9`,
  (text) => `${text}ke\u0301`,
  (text) => `${text}\u212a\u00e9`,
  (text) => `${text}\uff4b\u00e9`,
  (text) => `${text}k\u00e9\u0000`,
  (text) => `${text}k\u200d\u00e9`,
  (text) => `\t${text}k\u00e9`,
];

/** Makes the n-th id of a server, from 0: all differ, and have at most `maxBytes` bytes, which are 64 or 128. */
type MakeId = (n: number, maxBytes: number) => string;

/** Words that responses hold for other reasons. */
const WORDS = (
  "code message details error value type unauthenticated invalid_argument resource_exhausted seqsync.v1.ErrorDetail " +
  "application/json no-store HTTP/1.1 close 0 1 5 400 404 e a null true {} Bearer CAE epoch svr_seq"
).split(" ");

/** Kinds of ids that are hard to handle. */
export const HARD_IDS: Readonly<Record<string, { about: string; make: MakeId }>> = {
  "hard-ids": {
    about: "has user ids and epochs with characters that are hard to handle",
    make(n) {
      const [start, end] = AFFIXES[n % AFFIXES.length] ?? ["", ""];
      return `${start}${n.toString(36)}${end}`;
    },
  },
  "prefix-ids": {
    about: "has user ids and epochs that are prefixes of one another",
    make: (n) => `${Math.floor(n / 40).toString(36)}-${"a".repeat(n % 40)}`,
  },
  "longest-ids": {
    about: "has user ids of 128 bytes and epochs of 64 bytes, which differ only at the end",
    make: (n, maxBytes) => `${"é".repeat((maxBytes - 8) / 2)}${n.toString(36).padStart(8, "0")}`,
  },
  "look-alike-ids": {
    about:
      "has user ids and epochs that differ only in case, normalization, width, white space or invisible characters",
    make: (n) =>
      (LOOK_ALIKES[n % LOOK_ALIKES.length] as (text: string) => string)(
        Math.floor(n / LOOK_ALIKES.length).toString(36),
      ),
  },
  "word-ids": {
    about: "has user ids and epochs that are words of the protocol and of HTTP, or single characters",
    make: (n) => `${WORDS[n % WORDS.length]}${n < WORDS.length ? "" : Math.floor(n / WORDS.length)}`,
  },
  "numeric-ids": {
    about: "has user ids and epochs such as 0, 00 and 0.0, which are equal as numbers",
    make: (n) => `${n % 3 === 1 ? "0" : ""}${Math.floor(n / 3)}${n % 3 === 2 ? ".0" : ""}`,
  },
};

/** Options that make the reference server choose ids of this kind for its epochs and the users of its fixtures. */
export function hardIds({ make }: { make: MakeId }): ServiceOptions & HandlerOptions {
  let epochs = 0;
  let users = 0;
  return {
    newId: () => make(epochs++, 64),
    operations: {
      createAccount(service, { startSeq }) {
        const { account, token } = service.createAccount(make(users++, 128), undefined, startSeq);
        return create(CreateAccountResponseSchema, { userId: account.userId, token });
      },
    },
  };
}
