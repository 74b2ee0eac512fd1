// What `docusaurus-plugin-askbook` does in real sites, in Chromium and against a real askbook.
//
//   ASKBOOK=target/release/askbook node --test tests/browser/docusaurus/
//
// `tests/site/build` builds the sites. With BROWSER=required it is a failure when one of these is
// missing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { obstacleTo, siteInBrowser, target } from "./browser.mjs";

const noGuide = obstacleTo("guide");
describe("a site with a root of its own, below a path", { skip: noGuide }, () => {
  const here = siteInBrowser("guide", "/book/");

  test("a citation of the published site is followed by the router, and the chat goes on", async () => {
    const { page, chat, errors, questions, ask, isSamePage, attribute } = await here.open(
      "/book/docs/guides/cors",
    );
    assert.equal(await chat.count(), 1);
    assert.equal(await attribute("server"), here.site.askbook);
    assert.equal(await attribute("lang"), "en");
    assert.equal(await attribute("page"), "/book/docs/guides/cors");

    const turn = await ask("How long is a session kept?");
    assert.equal(questions[0].page, "/book/docs/guides/cors");
    const citation = turn.getByRole("listitem").getByRole("link").first();
    const published = new URL(await citation.getAttribute("href"));
    assert.equal(published.origin, "https://guide.example");
    assert(published.hash, "the citation names a heading");

    await citation.click();
    await page.waitForURL(here.site.url + published.pathname + published.hash);
    await page.waitForFunction(() => document.getElementById(location.hash.slice(1)));
    assert(await target(page), "the heading is seen");
    assert(await isSamePage(), "the page was not loaded anew");
    assert.equal(await attribute("page"), published.pathname);
    assert(await chat.getByRole("textbox").isVisible(), "the chat is open");
    assert(await turn.isVisible(), "with what was said");

    await ask("How many of them are there at most?");
    assert.equal(questions[1].page, published.pathname);
    assert.match(questions[1].session_id, /^[0-9a-f]{32}$/);
    assert.equal(questions.length, 2);
    assert.deepEqual(errors, []);
  });

  test("back and forth in the browser's history, the chat is told where the reader is", async () => {
    const { page, errors, isSamePage, attribute } = await here.open("/book/docs");
    await page.getByRole("navigation").getByRole("link", { name: "FAQ" }).first().click();
    await page.waitForURL(/\/faq$/);
    assert.equal(await attribute("page"), "/book/docs/faq");
    await page.goBack();
    await page.waitForURL(/\/docs$/);
    await page.waitForFunction(
      () => document.querySelector("ask-book").getAttribute("page") === "/book/docs",
    );
    assert(await isSamePage());
    assert.deepEqual(errors, []);
  });

  test("a page that is not of the docs is told of as the docs", async () => {
    const { attribute, errors } = await here.open("/book/");
    assert.equal(await attribute("page"), "/book/docs");
    assert.deepEqual(errors, []);
  });
});

describe("a site that is read where it is published", { skip: noGuide }, () => {
  const here = siteInBrowser("guide", "/book/", (url) => ({ ASKBOOK_SITE_URL: `${url}/book/` }));

  test("a citation is followed by the router, and any other link of the site by the browser", async () => {
    const { page, errors, ask, isSamePage } = await here.open("/book/docs");
    const turn = await ask("How long is a session kept?");
    const citation = turn.getByRole("listitem").getByRole("link").first();
    const url = await citation.getAttribute("href");
    await citation.click();
    await page.waitForURL(url);
    assert(await isSamePage());

    // A file of the site is not a page of its docs, and the router would show a 404.
    await citation.evaluate((link) => (link.href = "/book/askbook.json"));
    await citation.click();
    await page.waitForURL(/askbook\.json$/);
    assert.deepEqual(errors, []);
  });
});

describe("a site in versions and languages with the chat in a place of its own", { skip: obstacleTo("library") }, () => {
  const here = siteInBrowser("library", "/");

  test("the version that the reader is on is the one that answers", async () => {
    for (const version of ["1.0", "2.0"]) {
      const path = version === "1.0" ? "/docs/1.0/start/join" : "/docs/start/join";
      const { chat, page, ask, errors, questions } = await here.open(path);
      assert.equal(await page.locator("#desk ask-book").count(), 1, "swizzled");
      assert.equal(await chat.getAttribute("position"), "start", "as the site's options say");
      const turn = await ask("What should I bring to join?");
      assert.equal(questions[0].page, path);
      assert.match(await turn.innerText(), new RegExp(`Ten euros, in ${version}`));
      assert.deepEqual(errors, []);
      await page.close();
    }
  });

  test("a language is that of the site, on each of its pages", async () => {
    const { page, attribute, errors } = await here.open("/ur/docs/next/start/lena");
    assert.equal(await attribute("lang"), "ur");
    assert.equal(await attribute("page"), "/ur/docs/next/start/lena");
    assert.equal(await page.locator("ask-book .root").getAttribute("dir"), "rtl");
    assert.deepEqual(errors, []);
  });
});
