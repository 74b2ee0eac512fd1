// A site that Docusaurus built, with a real askbook beside it, in Chromium.
import { join } from "node:path";
import { after, before } from "node:test";
import { DESK, launch, obstacle } from "../chromium.mjs";
import { startAskbook, startProxy } from "../widget/askbook.mjs";
import { serveSite } from "./site.mjs";

const SITES = join(import.meta.dirname, "../../site");

/** Why the tests of a site cannot run; an error where they have to. */
export function obstacleTo(site) {
  return obstacle([join(SITES, site, "build"), "run tests/site/build"]);
}

/**
 * A site with askbook beside it, which has the site's folder as its book, in a browser. `open` gives
 * a page of it. `settings` are askbook's, by where the site is; `proxy` stands before askbook.
 */
export function siteInBrowser(name, baseUrl, settings) {
  const here = {};
  before(async () => {
    here.site = await serveSite(join(SITES, name, "build"), baseUrl);
    here.askbook = await startAskbook({
      ASKBOOK_BOOK: join(SITES, name),
      ALLOWED_ORIGINS: here.site.url,
      ...settings?.(here.site.url),
    });
    here.proxy = await startProxy(here.askbook);
    here.site.askbook = here.proxy.origin;
    here.browser = await launch();
  });
  after(async () => {
    await here.browser?.close();
    here.proxy?.stop();
    await here.askbook?.stop();
    here.site?.close();
  });

  here.open = async (path, options = {}) => {
    const page = await here.browser.newPage({ ...DESK, ...options });
    /** What went wrong in the page. */
    const errors = [];
    page.on("pageerror", (error) => errors.push(`${error}`));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    /** The questions that were sent. */
    const questions = [];
    page.on("request", (request) => {
      if (request.method() === "POST") questions.push(request.postDataJSON());
    });
    here.proxy.next = null;
    await page.goto(here.site.url + path);
    await page.locator("html[data-has-hydrated=true]").waitFor();
    const chat = page.locator("ask-book");
    await chat.getByRole("button").first().waitFor();
    // Gone as soon as the page is loaded anew.
    await page.evaluate(() => (window.isSamePage = true));
    const field = chat.getByRole("textbox");
    /** Writes a question and sends it; gives its turn. */
    const send = async (question) => {
      const turn = chat.getByRole("article").nth(await chat.getByRole("article").count());
      if (!(await field.isVisible())) await page.keyboard.press("Control+i");
      await field.fill(question);
      await field.press("Enter");
      return turn;
    };
    return {
      page,
      errors,
      questions,
      chat,
      field,
      panel: chat.locator(".panel"),
      isSamePage: () => page.evaluate(() => window.isSamePage === true),
      attribute: (name) => chat.getAttribute(name),
      send,
      /** Asks, and waits for the sources or what stands in their place. */
      ask: async (question) => {
        const turn = await send(question);
        await turn.getByRole("listitem").first().waitFor();
        return turn;
      },
    };
  };
  return here;
}

/** The text of the element that the page's address names, if the reader sees it below the bar. */
export function target(page) {
  return page.evaluate(() => {
    const element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const bar = document.querySelector(".navbar").getBoundingClientRect().bottom;
    const { top } = element?.getBoundingClientRect() ?? { top: -1 };
    return element && top >= bar && top < innerHeight ? element.textContent : null;
  });
}
