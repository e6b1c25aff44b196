/** The worked examples of the model as an interactive sequence. Without JavaScript it shows all steps at once. */
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { MessageSchema } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, type Page } from "../../../reference-server/inbox.js";
import { drawSequence, escaped, type Step } from "./sequence.js";

const PLACEHOLDER = "<!-- worked examples -->";

/** Replaces the placeholder of the text by the player. */
export function withExamples(text: string): string {
  if (!text.includes(PLACEHOLDER)) throw new Error(`there is no ${PLACEHOLDER}`);
  return text.replace(PLACEHOLDER, player());
}

type Phone = "first" | "second";

/** A step of the diagram, with its caption, and the state after it. */
interface Scene {
  step: Step;
  caption: string;
  state: string;
}

/** Runs the examples on an inbox of the reference server, and shows its responses. */
export function scenes(): Scene[] {
  const inbox = new Inbox("e1", 100, { maxBacklog: 1000, maxPageSize: 1000, maxPageBytes: 1 << 20 });
  const has: Record<Phone, number> = { first: 100, second: 140 };
  const all: Scene[] = [];
  const add = (step: Step, caption: string) => {
    const state = `svr_seq ${inbox.svrSeq}, acked_seq ${inbox.ackedSeq}; first phone at ${has.first}, second at ${has.second}`;
    all.push({ step, caption, state });
  };
  const arrive = (count: number, caption: string) => {
    const message = create(MessageSchema, { senderId: "alice", acceptedAt: timestampNow() });
    for (let i = 0; i < count; i += 1) inbox.append({ ...message, clientMessageId: `${inbox.svrSeq}` });
    add({ kind: "note", over: "server", text: `${count} arrive: svr_seq ${inbox.svrSeq}` }, caption);
  };
  const sync = (phone: Phone, caption: string): Page => {
    const cliSeq = has[phone];
    const page = inbox.sync(cliSeq, "e1", 0);
    add({ kind: "message", from: phone, to: "server", text: `Sync(${cliSeq})` }, caption);
    return page;
  };
  const range = ({ messages }: Page) => `${messages[0]?.seq}…${messages.at(-1)?.seq}`;
  const respond = (phone: Phone, page: Page, caption: string, lost = false) =>
    add({ kind: "message", from: "server", to: phone, text: range(page), dashed: true, lost }, caption);
  const store = (phone: Phone, page: Page, caption: string) => {
    has[phone] = page.nextCliSeq;
    add({ kind: "note", over: phone, text: `cli_seq ${page.nextCliSeq}` }, caption);
  };

  arrive(100, "A hundred messages arrive for one account. Its first phone has stored everything up to 100.");
  let page = sync("first", "Fetch: the phone sends the number up to which it has stored everything.");
  respond("first", page, "The response holds the messages that follow. It is lost.", true);
  page = sync("first", "So the phone retries with the same number. Nothing has changed in between.");
  respond("first", page, "The phone receives the same messages. Delivering them has not acknowledged them.");
  store("first", page, "The phone stores the messages, then the number.");
  arrive(60, "Sixty more arrive.");
  page = sync(
    "first",
    "Acknowledge by the next fetch: this number states that everything up to 200 is stored. The server may delete those messages.",
  );
  respond("first", page, "The response holds the rest.");
  store("first", page, "The phone is at 260. Its next Sync will acknowledge everything up to 260.");
  page = sync("second", "A second phone of the same account syncs. It stopped at 140 when it was last used.");
  respond(
    "second",
    page,
    "It does not receive 141 to 200, which the first phone has acknowledged. It receives 201 to 260, which no device has acknowledged.",
  );
  store("second", page, "It continues from 260.");
  return all;
}

function player(): string {
  const all = scenes();
  const participants = [
    { id: "first", label: "First phone" },
    { id: "server", label: "Server" },
    { id: "second", label: "Second phone" },
  ];
  const svg = drawSequence(
    { participants, steps: all.map(({ step }) => step) },
    "The worked examples; the steps follow as a list",
    116,
  );
  const list = all.map(
    ({ caption, state }, index) =>
      `<li data-step="${index + 1}">${escaped(caption)} <small>${escaped(state)}</small></li>`,
  );
  return [
    '<figure class="player" tabindex="0" aria-label="Worked examples, step by step">',
    '<div class="bar" hidden><button type="button" data-go="-1">Back</button> <span class="count"></span> <button type="button" data-go="1">Next</button></div>',
    `<div class="stage">${svg}<ol aria-live="polite">${list.join("")}</ol></div>`,
    "</figure>",
  ].join("\n");
}
