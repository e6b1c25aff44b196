import { lifelines, type SequenceStep } from "../model/sequence.js";
import { singleLine } from "./text.js";

/** A sequence diagram in Mermaid, which GitHub and GitLab render. */
export function mermaid(steps: readonly SequenceStep[]): string[] {
  const clients = lifelines(steps);
  const idOf = (client: string) => `c${clients.indexOf(client)}`;
  const all = clients.length === 0 ? "server" : `c0,server`;
  return [
    "sequenceDiagram",
    ...clients.map((client) => `  participant ${idOf(client)} as ${escaped(client)}`),
    "  participant server",
    ...steps.map(({ client, direction, text }) => {
      const line = {
        to: `${idOf(client)}->>server`,
        from: `server-->>${idOf(client)}`,
        lost: `server--x${idOf(client)}`,
      };
      return direction === "both" ? `  Note over ${all}: ${escaped(text)}` : `  ${line[direction]}: ${escaped(text)}`;
    }),
  ];
}

/** Escapes characters with a meaning in Mermaid: a semicolon ends a statement, a hash starts an entity. */
function escaped(text: string): string {
  return singleLine(text).replaceAll(/[#;<>&"`\\{}[\]]/g, (char) => `#${char.codePointAt(0)};`);
}
