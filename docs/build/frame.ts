/** Small changes to what TypeDoc makes of pages, so that they can be read on a phone and with a screen reader. */
import { type Application, MarkdownEvent, PageEvent } from "typedoc";

export function mendFrame(app: Application): void {
  const afterTypeDoc = -1000;
  // A table scrolls in a box of its own where the page is too narrow for it.
  app.renderer.on(
    MarkdownEvent.PARSE,
    (event: MarkdownEvent) => {
      event.parsedText = event.parsedText
        .replaceAll("<table>", '<div class="wide"><table>')
        .replaceAll("</table>", "</table></div>");
    },
    afterTypeDoc,
  );
  // A link in what is itself a button: neither keyboards nor screen readers can tell them apart. The anchors stay.
  app.renderer.on(PageEvent.END, (page: PageEvent) => {
    page.contents = (page.contents ?? "").replace(/<summary\b[\s\S]*?<\/summary>/g, (summary) =>
      summary.replace(/<a href="#[^"]*" aria-label="Permalink"[\s\S]*?<\/a>/g, ""),
    );
  });
}
