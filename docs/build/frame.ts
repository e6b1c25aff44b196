/** Adapts the pages of TypeDoc to phones and screen readers. */
import { type Application, MarkdownEvent, PageEvent } from "typedoc";

export function adjustPages(app: Application): void {
  const afterTypeDoc = -1000;
  // A table scrolls in its own box if the page is too narrow for it.
  app.renderer.on(
    MarkdownEvent.PARSE,
    (event: MarkdownEvent) => {
      event.parsedText = event.parsedText
        .replaceAll("<table>", '<div class="wide"><table>')
        .replaceAll("</table>", "</table></div>");
    },
    afterTypeDoc,
  );
  // Removes links inside of buttons: keyboards and screen readers cannot distinguish the two. The anchors stay.
  app.renderer.on(PageEvent.END, (page: PageEvent) => {
    page.contents = (page.contents ?? "").replace(/<summary\b[\s\S]*?<\/summary>/g, (summary) =>
      summary.replace(/<a href="#[^"]*" aria-label="Permalink"[\s\S]*?<\/a>/g, ""),
    );
  });
}
