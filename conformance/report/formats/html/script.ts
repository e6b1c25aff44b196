/** The script of the page: filters violations and cases. Without it the page shows everything. */
export const SCRIPT = `
const form = document.querySelector("main > form");
const items = [...document.querySelectorAll("[data-outcome]")];
const texts = new Map(items.map((item) => [item, item.textContent.toLowerCase()]));
const count = document.querySelector("h2 > #count");
function filter() {
  const data = new FormData(form);
  const outcomes = new Set(data.getAll("outcome"));
  const chapter = data.get("chapter");
  const words = String(data.get("text")).toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    const matches = outcomes.has(item.dataset.outcome)
      && (chapter === "" || item.dataset.chapter.split(" ").includes(chapter))
      && words.every((word) => texts.get(item).includes(word));
    item.hidden = !matches;
    if (matches && item.localName === "li") shown += 1;
  }
  for (const section of document.querySelectorAll("[data-group]")) {
    section.hidden = !section.querySelector("[data-outcome]:not([hidden])");
  }
  count.textContent = shown === 1 ? "1 case" : shown + " cases";
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target && target.querySelector("details");
  if (details) { target.hidden = false; details.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", open);
filter();
open();
`;
