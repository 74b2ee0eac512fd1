// What a reader does with the chat of a whole Docusaurus site, in a real Chromium, against a real
// askbook that has read that build, under a strict policy: the manual, and the docs of Redux.
//
//   ASKBOOK=target/release/askbook node --test tests/browser/docusaurus/reader.test.mjs
//
// `tests/site/build` builds the site; SCREENSHOTS is a folder for pictures, if wanted.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { assertAccessible, DESK, PHONE, settled, shot } from "../chromium.mjs";
import { obstacleTo, siteInBrowser, target } from "./browser.mjs";

const PAGE = "/book/docs/guides/cors";
const REDUX = join(import.meta.dirname, "../../../../shared/data/redux-docs");
const KEPT = "How long is a session kept?";

describe("a reader of a whole site", { skip: obstacleTo("guide") }, () => {
  const here = siteInBrowser("guide", "/book/", (url) => ({ ASKBOOK_SITE_URL: `${url}/book/` }));

  /** Where the focus is, into the chat. */
  function focused(page) {
    return page.evaluate(() => {
      let element = document.activeElement;
      while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element.className || element.localName;
    });
  }

  test("asks, follows the citation to its heading, and asks on", async () => {
    const { page, chat, panel, field, errors, questions, send, ask, isSamePage } = await here.open(PAGE);
    await shot(page, "site-button");
    let goOn;
    here.proxy.next = { holdBefore: "sources", released: new Promise((done) => (goOn = done)) };
    const turn = await send(KEPT);
    await turn.locator(".answer p").first().waitFor();
    assert.equal(await turn.locator(".sources").count(), 0, "it is shown while it is written");
    assert(await chat.getByRole("button", { name: "Stop" }).isVisible());
    goOn();
    await turn.locator(".sources").waitFor();
    assert.match(await turn.locator(".answer").innerText(), /^A session is kept for one hour/);
    await assertAccessible(page, "answered");

    await turn.locator("a.cite").first().click();
    await page.waitForURL(`${here.site.url}/book/docs/concepts/sessions#lifetime`);
    await page.getByRole("heading", { level: 1, name: "Sessions" }).waitFor();
    await page.waitForFunction(() => document.getElementById("lifetime"));
    assert.match(await target(page), /^How long is a session/, "the heading is seen");
    assert(await isSamePage(), "the page was not loaded anew");
    assert(await panel.isVisible(), "the chat is open");
    assert.equal(await turn.locator(".question").innerText(), KEPT);
    await page.mouse.move(640, 780);
    await shot(page, "site-answer");

    const next = await ask("And how do I change this?");
    assert.match(await next.locator(".answer").innerText(), /ASKBOOK_SESSION_T/, "it knows what was meant");
    assert.match(questions[1].session_id, /^[0-9a-f]{32}$/);
    assert.equal(questions[1].page, "/book/docs/concepts/sessions");

    // Loaded anew, it is the same conversation.
    await page.reload();
    await field.waitFor();
    assert.equal(await chat.getByRole("article").count(), 2);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("is told what the book does not say, and goes where it may be said", async () => {
    const { page, panel, errors, ask, isSamePage } = await here.open(PAGE);
    const turn = await ask("How do I configure Elasticsearch shards?");
    assert.equal(await turn.locator(".answer").innerText(), "The book does not say.");
    assert.equal(await turn.locator(".sources h4").innerText(), "These pages may help");
    await assertAccessible(page, "refused");
    await shot(page, "site-refusal");
    const suggestion = turn.locator(".sources a").first();
    const url = await suggestion.getAttribute("href");
    await suggestion.click();
    await page.waitForURL(url);
    assert(await isSamePage());
    assert(await panel.isVisible());
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("stops an answer, and asks for it again", async () => {
    const { page, chat, errors, questions, send } = await here.open(PAGE);
    here.proxy.next = { holdBefore: "sources", released: new Promise(() => {}) };
    const turn = await send(KEPT);
    await turn.locator(".answer p").first().waitFor();
    await chat.getByRole("button", { name: "Stop" }).click();
    await turn.getByText("Stopped.").waitFor();
    await assertAccessible(page, "stopped");
    await turn.getByRole("button", { name: "Try again" }).click();
    await turn.locator(".sources").waitFor();
    assert.equal(questions.length, 2, "nothing is asked again by itself");
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("asks about a passage of the page", async () => {
    const { page, chat, field, errors, questions } = await here.open("/book/docs/concepts/sessions");
    const passage = page.locator("article p").nth(1);
    await passage.click({ clickCount: 3 });
    const about = chat.getByRole("button", { name: "Ask about this" });
    await about.waitFor();
    await shot(page, "site-selection");
    const selection = (await page.evaluate(() => getSelection().toString())).trim();
    await about.click();
    await field.fill("What does this mean?");
    await assertAccessible(page, "selected");
    await shot(page, "site-selected");
    await field.press("Enter");
    const turn = chat.getByRole("article").first();
    await turn.getByRole("listitem").first().waitFor();
    assert.equal(questions[0].selected_text, selection);
    assert.equal(await turn.locator(".asked .selected").innerText(), selection);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("has the chat in the colours of the site, which its switch changes", async () => {
    const { page, chat, panel, errors, ask } = await here.open(PAGE, { colorScheme: "light" });
    await ask(KEPT);
    /** The chat's surface, text and button, and what Infima says of them. */
    const colours = () =>
      chat.evaluate((element) => {
        const probe = document.body.appendChild(document.createElement("i"));
        const infima = (name) => {
          probe.style.color = `var(--ifm-${name})`;
          return getComputedStyle(probe).color;
        };
        const site = ["background-surface-color", "font-color-base", "color-primary"].map(infima);
        probe.remove();
        const root = element.shadowRoot;
        const { backgroundColor, color } = getComputedStyle(root.querySelector(".panel"));
        const icon = getComputedStyle(root.querySelector(".launcher .icon")).color;
        const { fontFamily } = getComputedStyle(root.querySelector(".panel"));
        return { site, chat: [backgroundColor, color, icon], fonts: [fontFamily, getComputedStyle(document.body).fontFamily] };
      });
    const light = await colours();
    assert.deepEqual(light.chat, light.site);
    assert.equal(light.fonts[0], light.fonts[1]);
    const mode = page.getByRole("button", { name: /^Switch between dark and light mode/ });
    await mode.click();
    while ((await page.locator("html").getAttribute("data-theme")) !== "dark") await mode.click();
    const dark = await colours();
    assert.deepEqual(dark.chat, dark.site);
    assert.notDeepEqual(dark.chat, light.chat);
    assert(await panel.isVisible());
    await assertAccessible(page, "dark");
    await shot(page, "site-dark");
    await page.reload();
    await panel.waitFor();
    assert.deepEqual((await colours()).chat, dark.chat);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("has a phone", async () => {
    const { page, chat, panel, field, errors, isSamePage } = await here.open(PAGE, PHONE);
    await shot(page, "site-phone-button");
    const launcher = chat.getByRole("button", { name: "Ask the book" });
    /** Whether a tap at the place of the chat's button would be one on it. */
    const isOnTop = () =>
      launcher.evaluate((button) => {
        const { x, y, width, height } = button.getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2)?.localName === "ask-book";
      });
    assert(await isOnTop());
    await page.getByRole("button", { name: "Toggle navigation bar" }).tap();
    await page.locator(".navbar-sidebar--show .navbar-sidebar").waitFor();
    assert.equal(await isOnTop(), false, "the site's menu lies over it");
    await shot(page, "site-phone-menu");
    await page.getByRole("button", { name: "Close navigation bar" }).tap();
    await page.locator(".navbar-sidebar--show").waitFor({ state: "detached" });

    await launcher.tap();
    await field.waitFor();
    await settled(page);
    assert.deepEqual(await panel.boundingBox(), { x: 0, y: 0, width: 390, height: 844 }, "it is over the site's bar");
    await field.fill(KEPT);
    await field.press("Enter");
    const turn = chat.getByRole("article").first();
    await turn.locator(".sources a").first().waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await assertAccessible(page, "phone");
    await shot(page, "site-phone");
    await turn.locator(".sources a").first().tap();
    await page.waitForURL("**/docs/concepts/sessions#lifetime");
    await page.waitForFunction(() => document.getElementById("lifetime"));
    await launcher.waitFor();
    assert.match(await target(page), /^How long is a session/);
    assert.equal(await panel.isVisible(), false, "the page can be read");
    assert(await isSamePage());
    await launcher.tap();
    assert(await turn.isVisible());
    // Turned into a larger window.
    await page.setViewportSize(DESK.viewport);
    await page.waitForFunction(() => !document.querySelector("ask-book").shadowRoot.querySelector("dialog").matches(":modal"));
    assert(await panel.isVisible());
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("has no pointer", async () => {
    const { page, chat, panel, field, errors, isSamePage } = await here.open(PAGE);
    const link = page.locator("article .markdown p a").first();
    await link.focus();
    await page.keyboard.press("Control+i");
    await field.waitFor();
    assert.equal(await focused(page), "textarea");
    await page.keyboard.press("Escape");
    assert.equal(await panel.isVisible(), false);
    assert(await link.evaluate((node) => node === document.activeElement), "the focus is where it was");

    await page.keyboard.press("Control+i");
    await page.keyboard.type(KEPT);
    await page.keyboard.press("Enter");
    const turn = chat.getByRole("article").first();
    await turn.locator(".sources").waitFor();
    for (let steps = 0; (await focused(page)) !== "cite"; steps += 1) {
      assert(steps < 12, "the citation can be reached");
      await page.keyboard.press("Shift+Tab");
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/concepts/sessions#lifetime");
    await page.waitForFunction(() => document.getElementById("lifetime"));
    assert.match(await target(page), /^How long is a session/);
    assert(await isSamePage());
    assert(await panel.isVisible());
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("reads Arabic", async () => {
    const { page, chat, panel, field, errors, questions, ask, isSamePage } = await here.open("/book/ar/help/desk");
    assert.deepEqual(
      await page.locator("html").evaluate(({ lang, dir }) => [lang, dir]),
      ["ar", "rtl"],
    );
    assert.equal(await panel.count(), 0);
    const turn = await ask("متى يفتح مكتب المساعدة؟");
    assert.equal(await panel.locator("h2").innerText(), "اسأل الكتاب");
    assert.equal(await field.getAttribute("placeholder"), "اطرح سؤالًا");
    assert((await panel.boundingBox()).x < 40, "it stands at the left");
    assert.match(await turn.locator(".answer").innerText(), /^يفتح مكتب المساعدة من الأحد/);
    assert.equal(await turn.locator(".answer").evaluate((node) => getComputedStyle(node).direction), "rtl");
    await assertAccessible(page, "Arabic");
    await shot(page, "site-arabic");
    await turn.locator(".sources a").first().click();
    await page.waitForURL(`${here.site.url}/book/ar/help/desk#hours`);
    assert.match(await target(page), /^متى يفتح/);
    assert(await isSamePage());

    // What is asked in the English pages is answered by these, in the same conversation.
    await page.getByRole("button", { name: "العربية" }).hover();
    await page.getByRole("link", { name: "English" }).click();
    await page.waitForURL(`${here.site.url}/book/help/desk**`);
    await field.waitFor();
    assert.equal(await panel.locator("h2").innerText(), "Ask the book");
    const english = await ask("When is the help desk open?");
    assert.match(await english.locator(".answer").innerText(), /from Sunday to Thursday/);
    assert.deepEqual(
      questions.map(({ page }) => page),
      ["/book/ar/help/desk", "/book/help/desk"],
    );
    assert.equal(await chat.getByRole("article").count(), 2);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("asks in the chat of the original site, whose back end askbook has become", async () => {
    const { page, errors } = await here.open("/book/original");
    const heard = [];
    page.on("response", (response) => {
      const request = response.request();
      if (request.method() !== "POST") return;
      heard.push([request.headers()["x-stream-response"], response.status(), response.headers()["content-type"]]);
    });
    const messages = page.locator("#messages > li");
    const ask = async (question) => {
      await page.getByLabel("Question").fill(question);
      await page.getByRole("button", { name: "Send" }).click();
      await messages.locator("p", { hasText: question }).last().waitFor();
    };
    assert.equal(await page.locator("#health").innerText(), "ok");

    await ask(KEPT);
    const answer = messages.nth(1);
    await answer.getByText("one hour").waitFor();
    const sources = answer.getByRole("link");
    assert.equal(await sources.first().innerText(), "Sessions");
    assert.match(await sources.first().getAttribute("href"), /\/book\/docs\/concepts\/sessions/);

    // An error, which the next question has in its history.
    await ask("x".repeat(5_000));
    await messages.nth(3).getByText(/^Error: /).waitFor();
    assert.match(await messages.nth(3).innerText(), /4,?000/);
    const [logged, ...more] = errors.splice(0);
    assert.match(logged, /status of 4\d\d/, "the browser's own word on the reply");
    assert.deepEqual(more, []);

    const asked = page.waitForRequest((request) => request.method() === "POST");
    await page.getByLabel("Question").fill("How do I change this?");
    await page.locator("#passage").click({ clickCount: 3 });
    await page.getByRole("button", { name: "Send" }).click();
    const { context, history } = (await asked).postDataJSON();
    assert.equal(context.trim(), "A conversation is kept");
    assert.deepEqual(history.map(({ sender }) => sender), ["You", "Book Assistant", "You", "Book Assistant"]);
    await messages.nth(5).getByText("ASKBOOK_SESSION").waitFor();

    await ask("How do I bake sourdough bread?");
    await messages.nth(7).getByText("The book does not say.").waitFor();
    assert.equal(await messages.nth(7).getByRole("link").count(), 0);
    await page.getByRole("button", { name: "Good" }).click();
    await page.locator("#rated", { hasText: "204" }).waitFor();
    assert.deepEqual(heard[0], ["true", 200, "application/x-ndjson"]);
    assert.deepEqual(errors, []);
    await page.close();
  });
});

const noRedux = existsSync(REDUX) ? obstacleTo("redux") : `${REDUX} is not there`;
describe("a reader of a book that others wrote", { skip: noRedux }, () => {
  const here = siteInBrowser("redux", "/", (url) => ({ ASKBOOK_SITE_URL: `${url}/` }));

  test("asks, follows the citation to its heading, and asks on", async () => {
    const { page, panel, errors, questions, ask, isSamePage } = await here.open("/introduction/getting-started");
    const turn = await ask("Why should reducers be pure?");
    assert.match(await turn.locator(".answer").innerText(), /pure functions/);
    await assertAccessible(page, "answered");
    await shot(page, "site-redux");
    const citation = turn.locator("a.cite").first();
    const { pathname, hash } = new URL(await citation.getAttribute("href"));
    assert(hash, "the citation names a heading");
    await citation.click();
    await page.waitForURL(here.site.url + pathname + hash);
    await page.waitForFunction(() => document.getElementById(location.hash.slice(1)));
    assert(await target(page), "the heading is seen");
    assert(await isSamePage());
    assert(await panel.isVisible());

    const unknown = await ask("How do I bake sourdough bread?");
    assert.equal(await unknown.locator(".answer").innerText(), "The book does not say.");
    await ask("What is a reducer?");
    assert.equal(questions[2].page, pathname);
    assert.match(questions[2].session_id, /^[0-9a-f]{32}$/);
    assert.deepEqual(errors, []);
    await page.close();
  });
});
