import { lifelines, type SequenceStep } from "../model/sequence.js";
import { plain } from "./text.js";

/** A sequence diagram in the language of Mermaid, which GitHub and GitLab draw by themselves. */
export function mermaid(arrows: readonly SequenceStep[]): string[] {
  const clients = lifelines(arrows);
  const idOf = (client: string) => `c${clients.indexOf(client)}`;
  const all = clients.length === 0 ? "server" : `c0,server`;
  return [
    "sequenceDiagram",
    ...clients.map((client) => `  participant ${idOf(client)} as ${escaped(client === "" ? "somebody" : client)}`),
    "  participant server",
    ...arrows.map(({ client, direction, text }) => {
      const line = {
        to: `${idOf(client)}->>server`,
        from: `server-->>${idOf(client)}`,
        lost: `server--x${idOf(client)}`,
      };
      return direction === "both" ? `  Note over ${all}: ${escaped(text)}` : `  ${line[direction]}: ${escaped(text)}`;
    }),
  ];
}

/** A semicolon ends a statement, a hash begins an entity, and angle brackets would be markup. */
function escaped(text: string): string {
  return plain(text).replaceAll(/[#;<>&"`\\{}[\]]/g, (char) => `#${char.codePointAt(0)};`);
}
