import { printable } from "../../printable.js";
import { lifelines, markedText, type SequenceStep } from "../model/sequence.js";

/** A sequence diagram in Mermaid, which GitHub and GitLab render. */
export function mermaid(steps: readonly SequenceStep[]): string[] {
  const clients = lifelines(steps);
  const idOf = (client: string) => `c${clients.indexOf(client)}`;
  const all = clients.length === 0 ? "server" : `c0,server`;
  return [
    "sequenceDiagram",
    ...clients.map((client) => `  participant ${idOf(client)} as ${mermaidText(client)}`),
    "  participant server",
    ...steps.map((step) => {
      const { client, direction } = step;
      const text = markedText(step);
      const line = {
        to: `${idOf(client)}->>server`,
        from: `server-->>${idOf(client)}`,
        lost: `server--x${idOf(client)}`,
      };
      return direction === "both"
        ? `  Note over ${all}: ${mermaidText(text)}`
        : `  ${line[direction]}: ${mermaidText(text)}`;
    }),
  ];
}

// Everything but letters, digits and harmless punctuation: a semicolon ends a statement, a hash starts an entity, two
// percent signs a directive. Mermaid itself writes entities as the four last characters. A colon before a space is prose.
const SPECIAL = /[!"#$%&*;<>@[\\\]^`{|}~ﬂ°¶ß]|:(?! )/g;
// The end of a block, and the flag of a text that is wrapped.
const KEYWORDS = /\b(?:end|(?:no)?wrap)\b/gi;

/** Text of a Mermaid diagram. Special characters become entities. */
export function mermaidText(text: string): string {
  const entity = (char: string) => `#${char.codePointAt(0)};`;
  return printable(text)
    .replaceAll(SPECIAL, entity)
    .replaceAll(KEYWORDS, (word) => entity(word) + word.slice(1));
}
