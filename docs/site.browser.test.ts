/** Tests the built site in a real browser. Skipped without a browser, or if the site has not been built. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath } from "./testing/browser.js";
import { serveSite } from "./testing/serve-site.js";

const site = join(import.meta.dirname, "site");
const executablePath = browserPath();
const missing =
  executablePath === undefined
    ? "there is no Chromium (Debian: apt-get install -y chromium; or set CHROMIUM to its path)"
    : existsSync(join(site, "index.html"))
      ? undefined
      : "the site has not been built (npm run docs)";
if (missing !== undefined) console.warn(`the site is not tested in a browser: ${missing}`);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** One page of each kind. */
const KINDS = [
  "index.html",
  "documents/spec-ack.html",
  "documents/spec-model.html",
  "documents/spec-http.html",
  "documents/guides-server-python.html",
  "documents/guides-faq.html",
  "documents/reference-cases.html",
  "documents/reference-kill-matrix.html",
  "documents/reference-benchmarks.html",
  "documents/reference-command-line.html",
  "documents/reference-proto-service.html",
  "documents/reference-proto-history.html",
  "documents/changelog.html",
  "modules/conformance.html",
  "interfaces/conformance.CheckOptions.html",
  "media/sample-passing.html",
  "media/sample-failing.html",
];

describe.skipIf(missing !== undefined)("the site in a browser", () => {
  let browser: Browser;
  let served: Awaited<ReturnType<typeof serveSite>>;
  /** Problems on any page: error messages on the console, failed requests, and requests to other sites. */
  const problems: string[] = [];

  beforeAll(async () => {
    served = await serveSite(site);
    browser = await chromium.launch({ executablePath: executablePath as string, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  async function open(path: string, { width = 1280, scheme = "light" as "light" | "dark" } = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 812 }, colorScheme: scheme });
    const page = await context.newPage();
    const report = (what: string) => problems.push(`${path}: ${what}`);
    page.on("console", (message) => message.type() === "error" && report(message.text()));
    page.on("pageerror", (error) => report(error.message));
    page.on("requestfailed", (request) => {
      const error = request.failure()?.errorText;
      // Navigation away from a page while it loads.
      if (error !== "net::ERR_ABORTED") report(`${request.url()} failed: ${error}`);
    });
    page.on("response", (response) => response.status() >= 400 && report(`${response.url()}: ${response.status()}`));
    page.on("request", (request) => !request.url().startsWith(served.url) && report(`requests ${request.url()}`));
    await page.goto(served.url + path, { waitUntil: "networkidle" });
    return page;
  }

  test("has a page of each kind", () => {
    for (const path of KINDS) expect(existsSync(join(site, path)), path).toBe(true);
  });

  test.each(KINDS)("%s loads without an error, fits a phone, and is accessible", async (path) => {
    for (const [width, scheme] of [
      [375, "dark"],
      [1280, "light"],
    ] as const) {
      const page = await open(path, { width, scheme });
      expect(await page.evaluate("document.documentElement.scrollWidth"), `${width} px`).toBeLessThanOrEqual(width);
      // The tree of the sidebar, which TypeDoc's script creates, has links in buttons.
      const found = await page.evaluate(
        `${AXE}; axe.run({ exclude: [[".site-menu summary"]] }, { resultTypes: ["violations"] })`,
      );
      const serious = (found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] }).violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map(({ html }) => html.slice(0, 120))
              .slice(0, 3)
              .join(" ")}`,
        );
      expect(serious, `${width} px, ${scheme}`).toEqual([]);
      await page.context().close();
    }
    expect(problems.splice(0)).toEqual([]);
  });

  test("every page of text loads without an error", async () => {
    const files = ["documents", "media", "modules"].flatMap((folder) =>
      readdirSync(join(site, folder)).map((file) => `${folder}/${file}`),
    );
    const pages = files.filter((file) => file.endsWith(".html"));
    expect(pages.length).toBeGreaterThan(40);
    const page = await open("index.html");
    for (const path of pages) await page.goto(served.url + path, { waitUntil: "load" });
    await page.context().close();
    expect(problems.splice(0)).toEqual([]);
  }, 240_000);

  test("search finds chapters, guides and requirements by their words", async () => {
    const page = await open("index.html");
    for (const [words, title] of [
      ["epoch", "Epochs"],
      ["monotone", "Acknowledgement"],
      ["shards", "Run the suite"],
    ] as const) {
      await page.locator("#tsd-search-trigger").click();
      await page.locator("#tsd-search-input").fill(words);
      const hit = page.locator("#tsd-search-results li", { hasText: title }).first();
      await hit.waitFor();
      await page.keyboard.press("Escape");
    }
    await page.context().close();
    expect(problems.splice(0)).toEqual([]);
  });

  test("the worked examples can be stepped by button and by key", async () => {
    const page = await open("index.html", { width: 375 });
    const shown = () =>
      page.evaluate(`({
        line: [...document.querySelectorAll(".player li")].filter((it) => !it.hidden).map((it) => it.dataset.step),
        arrows: document.querySelectorAll(".player [data-step]:not(li):not(.later)").length,
      })`);
    expect(await shown()).toEqual({ line: ["1"], arrows: 1 });
    await page.getByRole("button", { name: "Next" }).click();
    expect(await shown()).toEqual({ line: ["2"], arrows: 2 });
    await page.locator(".player").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    expect(await shown()).toEqual({ line: ["3"], arrows: 3 });
    await page.keyboard.press("End");
    expect(await page.getByRole("button", { name: "Next" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Back" }).click();
    await page.keyboard.press("Home");
    expect(await shown()).toEqual({ line: ["1"], arrows: 1 });
    await page.context().close();
  });

  test("without JavaScript the worked examples show every step", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(served.url);
    expect(await page.locator(".player li:not([hidden])").count()).toBeGreaterThan(10);
    expect(await page.locator(".player .later").count()).toBe(0);
    expect(await page.locator(".player .bar").isHidden()).toBe(true);
    await context.close();
  });

  test.each([
    "spec-ack.html#ack-monotone",
    "reference-cases.html#case-ack-worked-example",
    "reference-kill-matrix.html#mutant-ack-last-write-wins",
  ])("the anchor %s is scrolled into view", async (address) => {
    const page = await open(`documents/${address}`);
    const top = (await page.locator(`[id="${address.split("#")[1]}"]`).boundingBox())?.y;
    const bar = await page.locator(".tsd-page-toolbar").boundingBox();
    expect(top).toBeGreaterThanOrEqual((bar?.y ?? 0) + (bar?.height ?? 0));
    expect(top).toBeLessThan(812);
    await page.context().close();
    expect(problems.splice(0)).toEqual([]);
  });
});
