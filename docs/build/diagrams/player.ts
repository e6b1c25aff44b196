/** The worked examples of the model as a sequence that a reader can step through. Without a script it shows all steps at once. */
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { drawSequence, escaped, type Step } from "./sequence.js";

const PLACE = "<!-- worked examples -->";

/** The text with the player where it asks for it. */
export function withExamples(text: string): string {
  if (!text.includes(PLACE)) throw new Error(`there is no ${PLACE}`);
  return text.replace(PLACE, player());
}

type Phone = "first" | "second";

/** A step of the picture, what is to be said of it, and how things stand after it. */
interface Scene {
  step: Step;
  said: string;
  stands: string;
}

/** Plays the examples on an inbox of the reference server: what is shown is what it answers. */
export function scenes(): Scene[] {
  const inbox = new Inbox("e1", 100, { maxBacklog: 1000, maxPageSize: 1000, maxPageBytes: 1 << 20 });
  const has: Record<Phone, number> = { first: 100, second: 140 };
  const made: Scene[] = [];
  const tell = (step: Step, said: string) => {
    const stands = `svr_seq ${inbox.svrSeq}, acked_seq ${inbox.ackedSeq}; first phone at ${has.first}, second at ${has.second}`;
    made.push({ step, said, stands });
  };
  const arrive = (count: number, said: string) => {
    const message = create(MessageSchema, { senderId: "alice", acceptedAt: timestampNow() });
    for (let i = 0; i < count; i += 1) inbox.append({ ...message, clientMessageId: `${inbox.svrSeq}` });
    tell({ kind: "note", over: "server", text: `${count} arrive: svr_seq ${inbox.svrSeq}` }, said);
  };
  const ask = (phone: Phone, said: string): Page => {
    const cliSeq = has[phone];
    const page = inbox.sync(cliSeq, "e1", 0);
    tell({ kind: "message", from: phone, to: "server", text: `Sync(${cliSeq})` }, said);
    return page;
  };
  const range = ({ messages }: Page) => `${messages[0]?.seq}…${messages.at(-1)?.seq}`;
  const answer = (phone: Phone, page: Page, said: string, lost = false) =>
    tell({ kind: "message", from: "server", to: phone, text: range(page), dashed: true, lost }, said);
  const store = (phone: Phone, page: Page, said: string) => {
    has[phone] = page.nextCliSeq;
    tell({ kind: "note", over: phone, text: `cli_seq ${page.nextCliSeq}` }, said);
  };

  arrive(100, "A hundred messages arrive for one account. Its first phone has everything up to 100.");
  let page = ask("first", "Fetch: the phone says how far it has got.");
  answer("first", page, "The answer holds what follows, and gets lost on the way.", true);
  page = ask("first", "So the phone asks again with the number that it has. Nothing has happened in between.");
  answer("first", page, `The same messages come again. Delivering them has acknowledged none.`);
  store("first", page, "The phone stores the messages, then the number.");
  arrive(60, "Sixty more arrive.");
  page = ask(
    "first",
    "Acknowledge by the next fetch: this number says that all up to 200 is stored. The server may forget it.",
  );
  answer("first", page, "And the answer brings the rest.");
  store("first", page, "The phone is at 260. That is not acknowledged yet: it will be by its next Sync.");
  page = ask("second", "Another phone of the same account, last used at 140.");
  answer(
    "second",
    page,
    "It does not get 141 to 200, which the first phone has acknowledged. It gets 201 to 260: nobody has acknowledged those.",
  );
  store("second", page, "It goes on from 260.");
  return made;
}

function player(): string {
  const all = scenes();
  const actors = [
    { id: "first", label: "First phone" },
    { id: "server", label: "Server" },
    { id: "second", label: "Second phone" },
  ];
  const svg = drawSequence(
    { actors, steps: all.map(({ step }) => step) },
    "The worked examples; the steps follow as a list",
    116,
  );
  const list = all.map(
    ({ said, stands }, index) => `<li data-step="${index + 1}">${escaped(said)} <small>${escaped(stands)}</small></li>`,
  );
  return [
    '<figure class="player" tabindex="0" aria-label="Worked examples, step by step">',
    '<div class="bar" hidden><button type="button" data-go="-1">Back</button> <span class="count"></span> <button type="button" data-go="1">Next</button></div>',
    `<div class="stage">${svg}<ol aria-live="polite">${list.join("")}</ol></div>`,
    "</figure>",
  ].join("\n");
}
