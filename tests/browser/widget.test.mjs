// <ask-book> in Chromium, from a real askbook, on a site of another origin with a strict Content
// Security Policy.
//
//   node --test tests/browser/widget.test.mjs
//
// ASKBOOK is the program (target/debug/askbook), CHROMIUM the browser (/usr/bin/chromium);
// SCREENSHOTS is a folder for pictures, if wanted.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertAccessible, DESK, launch, obstacle, PHONE, settled, shot } from "./chromium.mjs";
import { startAskbook, startProxy } from "./widget/askbook.mjs";
import { startSite } from "./widget/site.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = "/docs/guides/cors";

const PORT = "How do I change the port?";
const KEPT = "How long is a session kept?";
const UNKNOWN = "How do I bake sourdough bread?";

describe("<ask-book>", { skip: obstacle() }, () => {
  let site, askbook, proxy, browser;
  const widget = { server: "" };

  before(async () => {
    site = await startSite(widget);
    askbook = await startAskbook({ ALLOWED_ORIGINS: site.origin });
    proxy = await startProxy(askbook);
    widget.server = proxy.origin;
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    proxy?.stop();
    site?.stop();
    await askbook?.stop();
  });

  /** A page in a browser of its own, and what went wrong in it. */
  async function open(t, path = PAGE, options = {}) {
    const context = await browser.newContext({ ...DESK, ...options });
    t.after(() => context.close());
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) wrong.push(message.text());
    });
    page.on("pageerror", (error) => wrong.push(error.message));
    page.wrong = wrong;
    proxy.next = null;
    proxy.questions.length = 0;
    proxy.loaded.length = 0;
    await page.goto(site.origin + path);
    return page;
  }

  const chat = (page) => page.locator("ask-book");
  const launcher = (page) => chat(page).locator(".launcher");
  const panel = (page) => chat(page).locator(".panel");
  const field = (page) => chat(page).locator("textarea");
  const turn = (page) => chat(page).locator(".turn").last();

  /** Asks, and waits for the end. */
  async function ask(page, question) {
    const count = await chat(page).locator(".turn").count();
    await field(page).fill(question);
    await field(page).press("Enter");
    await chat(page).locator(".turn").nth(count).waitFor();
    await turn(page).locator(".tail > *").first().waitFor();
  }

  async function openPanel(page) {
    await launcher(page).click();
    await field(page).waitFor();
    await settled(page);
  }

  /** An answer with these events, or one with this text. */
  function scripted(text, { sources = [], ...done } = {}) {
    return {
      events: [
        { type: "accepted", message_id: crypto.randomUUID(), session_id: null, session_restarted: false },
        { type: "found", passages: sources.length },
        { type: "delta", text },
        { type: "done", outcome: "answered", answer: text, sources, suggestions: [], unsupported: [], ...done },
      ],
    };
  }

  test("a question is answered, and a citation followed without losing the chat", async (t) => {
    const page = await open(t);
    await launcher(page).waitFor();
    assert.deepEqual(proxy.loaded, ["/widget.js"], "the chat is not loaded before it is wanted");
    await shot(page, "button");
    await openPanel(page);
    assert.ok(proxy.loaded.includes("/widget/panel.js"));
    await assertAccessible(page, "empty");

    await ask(page, KEPT);
    const answer = turn(page).locator(".answer");
    await assert.doesNotReject(answer.getByText("one hour").waitFor());
    const source = turn(page).locator(".sources a").first();
    assert.match(await source.innerText(), /1\s+Sessions\s+How long is a session/);
    const cite = turn(page).locator("a.cite").first();
    assert.match(await cite.getAttribute("aria-label"), /^Source 1: Sessions › How long/);
    assert.equal(proxy.questions[0].page, PAGE);
    const said = await chat(page).locator('[role="status"][aria-live]').innerText();
    assert.match(said, /^A session is kept for one hour .* changes\. Sources: 1$/, "it is said as a whole");
    await assertAccessible(page, "answered");
    await shot(page, "answer");

    await cite.click();
    await page.waitForURL("**/docs/concepts/sessions#lifetime");
    assert.match(await page.locator(":target").innerText(), /How long is a session/);
    await panel(page).waitFor();
    assert.equal(await turn(page).locator(".question").innerText(), KEPT);
    assert.equal(await turn(page).locator("a.cite").count(), 1, "citations are still links");
    assert.equal(await page.evaluate(() => document.activeElement.localName), "body", "the page has the focus");

    // The conversation goes on.
    await ask(page, "And how do I change this?");
    assert.equal(await chat(page).locator(".turn").count(), 2);
    assert.match(proxy.questions[1].session_id, /^[0-9a-f]{32}$/);
    assert.equal(proxy.questions[1].page, "/docs/concepts/sessions");
    assert.equal(await turn(page).locator(".note").count(), 1, "no word of a conversation that was lost");
    assert.deepEqual(page.wrong, []);
  });

  test("what the book does not say is said, with pages that may help", async (t) => {
    const page = await open(t);
    await openPanel(page);
    await ask(page, UNKNOWN);
    assert.equal(await turn(page).locator(".answer").innerText(), "The book does not say.");
    assert.equal(await turn(page).locator(".sources").count(), 0);
    await ask(page, "How do I configure Elasticsearch shards?");
    const links = turn(page).locator(".sources a");
    await assertAccessible(page, "refused");
    await shot(page, "refusal");
    assert.equal(await turn(page).locator(".sources h4").innerText(), "These pages may help");
    assert.ok((await links.count()) > 0);
    for (const link of await links.all()) {
      assert.match(await link.getAttribute("href"), /^http:\/\/127\.0\.0\.1:\d+\/docs\//);
    }
    assert.deepEqual(page.wrong, []);
  });

  test("an answer is shown while it is written, and nothing jumps", async (t) => {
    const page = await open(t);
    await openPanel(page);
    let release;
    proxy.next = { holdBefore: "found", released: new Promise((done) => (release = done)) };
    await field(page).fill(KEPT);
    await field(page).press("Enter");
    await turn(page).getByText("Searching the book …").waitFor();
    assert.equal(await field(page).inputValue(), "");
    const frame = await panel(page).boundingBox();
    const asked = await turn(page).locator(".question").boundingBox();
    await assertAccessible(page, "searching");
    await shot(page, "searching");
    release();
    await turn(page).locator(".sources").waitFor();
    assert.deepEqual(await panel(page).boundingBox(), frame);
    assert.deepEqual(await turn(page).locator(".question").boundingBox(), asked);

    let goOn;
    proxy.next = { holdBefore: "sources", released: new Promise((done) => (goOn = done)) };
    await field(page).fill(PORT);
    await field(page).press("Enter");
    await turn(page).locator(".answer p").first().waitFor();
    assert.equal(await turn(page).locator(".sources").count(), 0, "its end has not come");
    // Enter asks nothing while an answer is awaited.
    await field(page).fill("And then?");
    await field(page).press("Enter");
    assert.equal(await field(page).inputValue(), "And then?");
    goOn();
    await turn(page).locator(".sources").waitFor();
    assert.equal(proxy.questions.length, 2);
    assert.deepEqual(page.wrong, []);
  });

  test("an answer can be stopped and asked for again", async (t) => {
    const page = await open(t);
    await openPanel(page);
    proxy.next = { holdBefore: "sources", released: new Promise(() => {}) };
    await field(page).fill(KEPT);
    await field(page).press("Enter");
    await turn(page).locator(".answer p").first().waitFor();
    await chat(page).getByRole("button", { name: "Stop" }).click();
    await turn(page).getByText("Stopped.").waitFor();
    assert.match(await turn(page).locator(".answer").innerText(), /one hour/, "what was shown stays");
    assert.equal(proxy.questions.length, 1, "nothing is asked again by itself");
    await assertAccessible(page, "stopped");

    await turn(page).getByRole("button", { name: "Try again" }).click();
    await turn(page).locator(".sources").waitFor();
    assert.equal(await chat(page).locator(".turn").count(), 1);
    assert.equal(proxy.questions.length, 2);
    assert.deepEqual(page.wrong, []);
  });

  test("an error says what happened, which request it was, and asks again only when told to", async (t) => {
    const page = await open(t);
    await openPanel(page);
    const request_id = "5d0b7f1e-6a0f-4f43-9d8f-1c3f2a7a9b10";
    const body = { code: "upstream_timeout", detail: "the service that writes answers did not answer in time", request_id };
    proxy.next = { status: 504, headers: { "content-type": "application/problem+json" }, body };
    await ask(page, KEPT);
    const failure = turn(page).locator(".failure");
    assert.match(await failure.innerText(), new RegExp(`Something went wrong.*did not answer in time.*${request_id}`, "s"));
    await assertAccessible(page, "failed");
    await shot(page, "error");
    assert.equal(proxy.questions.length, 1);
    await failure.getByRole("button", { name: "Try again" }).click();
    await turn(page).locator(".sources").waitFor();
    assert.equal(proxy.questions.length, 2);
    assert.equal(await turn(page).locator(".failure").count(), 0);
    const [logged, ...more] = page.wrong.splice(0);
    assert.match(logged, /status of 504/, "the browser's own word on the reply");
    assert.deepEqual(more, []);

    // A stream that ends without an end, or by an event.
    let cut;
    proxy.next = { holdBefore: "sources", released: new Promise((done) => (cut = done)), cut: true };
    await field(page).fill(KEPT);
    await field(page).press("Enter");
    await turn(page).locator(".answer p").first().waitFor();
    cut();
    await turn(page).locator(".failure").waitFor();
    assert.match(await turn(page).innerText(), /one hour.*The connection was lost.*Request [0-9a-f-]{36}/s);
    const problem = { code: "upstream_blocked", detail: "", request_id };
    proxy.next = { events: [{ type: "error", problem, incomplete: false }] };
    await ask(page, KEPT);
    assert.match(await turn(page).innerText(), /Ask it differently\..*5d0b7f1e/s);
    assert.equal(proxy.questions.length, 4);

    proxy.next = scripted("Again.");
    proxy.next.events[0].session_restarted = true;
    await ask(page, KEPT);
    await turn(page).getByText("The earlier conversation has expired; this is a new one.").waitFor();

    // Too many questions: the wait is over when it is over.
    const busy = { code: "rate_limited", detail: "", request_id, retry_after: 3_600 };
    proxy.next = { status: 429, headers: { "retry-after": "3600" }, body: busy };
    await ask(page, KEPT);
    assert.match(await turn(page).innerText(), /Too many questions.*Please wait 3600 s\./s);
    assert.equal(await turn(page).getByRole("button", { name: "Try again" }).isDisabled(), true);
  });

  test("a server that is gone, or lets the page not in, is said to be", async (t) => {
    const page = await open(t);
    await openPanel(page);
    await page.route(`${proxy.origin}/**`, (route) => route.abort());
    await ask(page, KEPT);
    assert.match(await turn(page).innerText(), /The server cannot be reached\..*Try again/s);
    await page.unrouteAll();

    // The same page under a name that askbook does not know.
    await page.goto(site.origin.replace("127.0.0.1", "localhost") + PAGE);
    await openPanel(page);
    page.wrong.length = 0;
    const told = page.waitForEvent("console", (message) => message.text().includes("ALLOWED_ORIGINS"));
    await ask(page, KEPT);
    assert.match(await turn(page).innerText(), /The server cannot be reached\./);
    assert.match((await told).text(), /is http:\/\/localhost:\d+ in its ALLOWED_ORIGINS/);
  });

  test("a chat that cannot be loaded can be tried again", async (t) => {
    const page = await open(t);
    await page.route("**/widget/panel.js*", (route) => route.abort());
    await launcher(page).click();
    await launcher(page).getByText("Not loaded. Try again?").waitFor();
    await page.unrouteAll();
    await launcher(page).click();
    await panel(page).waitFor();
  });

  test("a reader can ask about selected text", async (t) => {
    const page = await open(t);
    await launcher(page).waitFor();
    await page.locator("main p").nth(1).click({ clickCount: 3 });
    const about = chat(page).getByRole("button", { name: "Ask about this" });
    await about.waitFor();
    const selection = (await page.evaluate(() => getSelection().toString())).trim();
    await shot(page, "selection");
    await about.click();
    await field(page).waitFor();
    assert.equal(await chat(page).locator(".about-selected .selected").innerText(), selection);
    assert.equal(await about.isVisible(), false);
    await assertAccessible(page, "selected");
    await shot(page, "selected");
    // Without a word of the reader's.
    await field(page).press("Enter");
    await turn(page).locator(".tail > *").first().waitFor();
    assert.deepEqual(
      [proxy.questions[0].message, proxy.questions[0].selected_text],
      ["Explain this.", selection],
    );
    assert.equal(await turn(page).locator(".asked .selected").innerText(), selection);
    // It was about that question only.
    await ask(page, KEPT);
    assert.equal(proxy.questions[1].selected_text, undefined);

    // By keys alone, and left out again.
    await page.locator("main h1").click();
    await page.keyboard.press("Escape");
    await page.locator("main p").first().click({ clickCount: 3 });
    await page.keyboard.press("Control+i");
    await chat(page).getByRole("button", { name: "Leave out the selected text" }).click();
    assert.equal(await chat(page).locator(".about-selected").isVisible(), false);
    assert.deepEqual(page.wrong, []);
  });

  test("the keyboard does everything, and the focus comes back", async (t) => {
    const page = await open(t);
    await launcher(page).waitFor();
    const focus = () =>
      page.evaluate(() => {
        let element = document.activeElement;
        while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element.className || element.localName;
      });

    // Never while the reader writes elsewhere.
    await page.locator("textarea.elsewhere").focus();
    await page.keyboard.press("Control+i");
    await page.keyboard.type("i");
    assert.equal(await page.locator("textarea.elsewhere").inputValue(), "i");
    assert.equal(await focus(), "elsewhere");

    const link = page.locator("main a").first();
    await link.focus();
    await page.keyboard.press("Control+i");
    await field(page).waitFor();
    assert.equal(await focus(), "textarea");
    await page.keyboard.type(KEPT);
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await turn(page).locator(".sources").waitFor();
    assert.equal(await focus(), "textarea");
    await page.keyboard.press("Escape");
    assert.equal(await panel(page).isVisible(), false);
    assert.equal(await page.evaluate(() => document.activeElement.localName), "a", "where it was before");

    await launcher(page).focus();
    await page.keyboard.press("Enter");
    await field(page).waitFor();
    assert.equal(await focus(), "textarea");
    await page.keyboard.press("Control+i");
    assert.equal(await panel(page).isVisible(), false);
    assert.equal(await focus(), "launcher");

    // Every control can be reached, and only those.
    await page.keyboard.press("Enter");
    await field(page).waitFor();
    const reached = [];
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press("Shift+Tab");
      reached.push(await focus());
    }
    for (const control of ["cite", "thumb", "quiet", "icon-button clear", "icon-button close"]) {
      assert.ok(reached.includes(control), `${control} in ${reached}`);
    }
    assert.deepEqual(page.wrong, []);
  });

  test("the key is the owner's choice", async (t) => {
    const page = await open(t, `${PAGE}?shortcut=alt%2Bshift%2Bk`);
    await launcher(page).waitFor();
    assert.equal(await launcher(page).getAttribute("title"), "Ask the book (Alt+Shift+K)");
    await page.keyboard.press("Control+i");
    await page.keyboard.press("Alt+Shift+K");
    await panel(page).waitFor();
    assert.equal(proxy.loaded.filter((path) => path === "/widget/panel.js").length, 1);

    const off = await open(t, `${PAGE}?shortcut=off`);
    await launcher(off).waitFor();
    assert.equal(await launcher(off).getAttribute("title"), "Ask the book");
    await off.keyboard.press("Control+i");
    await off.keyboard.press("i");
    assert.ok(!proxy.loaded.includes("/widget/panel.js"));
  });

  test("a long conversation is kept over page loads, and its draft", async (t) => {
    const page = await open(t);
    await openPanel(page);
    for (let count = 0; count < 3; count += 1) {
      proxy.next = scripted(`Answer ${count}. ${"A long line of it.\n\n".repeat(20)}`);
      await ask(page, `Question ${count}`);
      const top = await turn(page).evaluate((node) => node.getBoundingClientRect().top - node.closest(".log").getBoundingClientRect().top);
      assert.ok(Math.abs(top) < 24, `it is read from its beginning: ${top}`);
    }
    let release;
    proxy.next = { holdBefore: "sources", released: new Promise((done) => (release = done)) };
    await field(page).fill(KEPT);
    await field(page).press("Enter");
    await turn(page).locator(".answer p").first().waitFor();
    await field(page).fill("What I was about to ask");
    await page.reload();
    release();
    await turn(page).getByText("Stopped.").waitFor();
    assert.equal(await chat(page).locator(".turn").count(), 4);
    assert.equal(await field(page).inputValue(), "What I was about to ask");
    assert.equal(proxy.questions.length, 4, "nothing is asked again by itself");

    await chat(page).getByRole("button", { name: "New conversation" }).click();
    assert.equal(await chat(page).locator(".turn").count(), 0);
    await ask(page, KEPT);
    assert.equal(proxy.questions.at(-1).session_id, undefined);

    await panel(page).getByRole("button", { name: "Close" }).click();
    await page.reload();
    await launcher(page).waitFor();
    assert.equal(await panel(page).count(), 0, "what was closed stays closed");
    assert.deepEqual(page.wrong, []);
  });

  test("Markdown is shown as what it means, and code can be copied", async (t) => {
    const page = await open(t);
    await openPanel(page);
    const text = [
      "Set **two** values [1], as `.env` says [2, 9].",
      "1. Open it.\n2. Write:\n\n   ```bash\n   PORT=9000 # \"free\" <port> and a comment that is so long that it has to scroll sideways\n   ```",
      "| Setting | Default |\n|---|---:|\n| `PORT` | 8000 |",
      "See [the settings](/docs/reference/configuration), [elsewhere](https://example.org/) and [nowhere](javascript:alert(1)).",
      "> Quoted.\n\n### More\n\n- one\n  - two\n\n---\n\nThe end [7].",
    ].join("\n\n");
    const source = (number, title, section, url) => ({ number, title, section, url, quote: "“" });
    const sources = [
      source(1, "Getting started", "Change the port", "/docs/getting-started#port"),
      source(2, "Configuration", null, null),
    ];
    proxy.next = scripted(text, { sources, unsupported: [{ text: "9000" }] });
    await ask(page, PORT);
    const answer = turn(page).locator(".answer");
    assert.equal(await answer.locator("strong").innerText(), "two");
    assert.equal(await answer.locator("ol > li").count(), 2);
    assert.equal(await answer.locator("td").nth(1).evaluate((cell) => getComputedStyle(cell).textAlign), "right");
    assert.match(await answer.locator("p").first().innerText(), /\[2, 9\]/, "what cites nothing is text");
    const links = await answer.locator("a:not(.cite)").evaluateAll((all) => all.map((link) => [link.textContent, link.getAttribute("href"), link.target]));
    assert.deepEqual(links, [
      ["the settings", `${site.origin}/docs/reference/configuration`, ""],
      ["elsewhere", "https://example.org/", "_blank"],
    ]);
    assert.equal(await turn(page).locator(".sources li").nth(1).locator("a").count(), 0, "a source without an address is no link");
    assert.match(await turn(page).innerText(), /Not found in the sources, so better check: 9000/);
    await assertAccessible(page, "Markdown");
    await shot(page, "markdown");
    await answer.getByRole("button", { name: "Copy" }).click();
    await answer.getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^PORT=9000 # "free" <port> and/);
    assert.deepEqual(page.wrong, []);
  });

  test("an answer that was written to do harm does none, though nobody reviewed it", async (t) => {
    const lines = await readFile(join(ROOT, "src/review/markup/payloads.jsonl"), "utf8");
    const payloads = lines.trim().split("\n").map((line) => JSON.parse(line));
    assert.ok(payloads.length > 50);
    const page = await open(t);
    await openPanel(page);
    const asked = [];
    page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
    page.on("dialog", (dialog) => asked.push(`dialog ${dialog.message()}`));
    page.context().on("page", () => asked.push("window"));
    for (let at = 0; at < payloads.length; at += 30) {
      const turns = payloads.slice(at, at + 30).map(({ name, text }) => ({
        question: name,
        state: "answered",
        found: true,
        answer: text,
        sources: [],
        suggestions: [],
        unsupported: [],
        restarted: false,
      }));
      await page.evaluate(
        ([key, kept]) => addEventListener("pagehide", () => sessionStorage.setItem(key, kept)),
        [`askbook ${proxy.origin}/`, JSON.stringify({ turns })],
      );
      await page.reload();
      await chat(page).locator(".turn").nth(turns.length - 1).waitFor();
      const harm = await chat(page).evaluate((element) => {
        const known = "a blockquote br code del div em figcaption figure h4 hr li ol p path pre span strong sup svg table tbody td th thead tr ul button".split(" ");
        const attributes = "aria-hidden aria-label class d dir href rel start tabindex target title type viewBox".split(" ");
        const found = [];
        for (const node of element.shadowRoot.querySelectorAll(".answer *")) {
          if (!known.includes(node.localName)) found.push(`<${node.localName}>`);
          for (const { name } of node.attributes) if (!attributes.includes(name)) found.push(`${node.localName}.${name}`);
          if (node.localName === "a" && !["http:", "https:", "mailto:"].includes(node.protocol)) found.push(node.href);
        }
        if (globalThis.pwned !== undefined) found.push("a script ran");
        return found;
      });
      assert.deepEqual(harm, []);
    }
    const own = [`GET ${site.origin}/`, `GET ${proxy.origin}/widget`];
    assert.deepEqual(asked.filter((what) => !own.some((start) => what.startsWith(start))), []);
    assert.deepEqual(page.wrong, []);
  });

  test("readers rate answers, and say why", async (t) => {
    const page = await open(t);
    await openPanel(page);
    await ask(page, KEPT);
    const sent = page.waitForRequest(`${proxy.origin}/feedback`);
    await turn(page).getByRole("button", { name: "Helpful", exact: true }).click();
    assert.deepEqual(
      { ...(await sent).postDataJSON(), message_id: "" },
      { message_id: "", rating: "good", query: KEPT },
    );
    await turn(page).getByText("Thank you.").waitFor();
    await turn(page).getByRole("button", { name: "Not helpful" }).click();
    await turn(page).getByLabel("What was wrong?").fill("The menu has another name now.");
    await assertAccessible(page, "rated");
    const why = page.waitForRequest((request) => request.postData()?.includes("menu") ?? false);
    await page.keyboard.press("Enter");
    assert.equal((await why).postDataJSON().comment, "The menu has another name now.");
    assert.equal((await (await why).response()).status(), 204);
    await page.reload();
    await turn(page).locator('.thumb[aria-pressed="true"]').waitFor();
    assert.equal(await turn(page).locator('.thumb[aria-pressed="true"]').getAttribute("aria-label"), "Not helpful");
    assert.deepEqual(page.wrong, []);

    const silent = await open(t, `${PAGE}?feedback=off`);
    await openPanel(silent);
    await ask(silent, KEPT);
    assert.equal(await turn(silent).locator(".thumb").count(), 0);
  });

  test("dark mode is that of the page, from one moment to the next", async (t) => {
    const page = await open(t);
    await openPanel(page);
    await ask(page, KEPT);
    const colours = () => panel(page).evaluate((node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]);
    assert.deepEqual(await colours(), ["rgb(255, 255, 255)", "rgb(28, 30, 33)"]);
    await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
    assert.deepEqual(await colours(), ["rgb(36, 37, 38)", "rgb(227, 227, 227)"]);
    await assertAccessible(page, "dark");
    await shot(page, "dark");

    // Without Infima, by the colour scheme of the page.
    const plain = await open(t, `${PAGE}?plain&theme=dark`);
    await openPanel(plain);
    const surface = (page) => panel(page).evaluate((node) => getComputedStyle(node).backgroundColor);
    assert.equal(await surface(plain), "rgb(36, 37, 38)");
    await ask(plain, KEPT);
    await assertAccessible(plain, "dark without Infima");
    const light = await open(t, `${PAGE}?plain&theme=`, { colorScheme: "dark" });
    await openPanel(light);
    assert.equal(await surface(light), "rgb(255, 255, 255)", "a page that has no dark colours");
    await ask(light, KEPT);
    await assertAccessible(light, "light without Infima");
    assert.deepEqual([...page.wrong, ...plain.wrong, ...light.wrong], []);
  });

  test("on a phone, the chat takes the screen, and gives it back for a citation", async (t) => {
    const page = await open(t, PAGE, PHONE);
    await launcher(page).waitFor();
    assert.equal(await launcher(page).locator(".label").isVisible(), false);
    await shot(page, "phone-button");
    await launcher(page).tap();
    await field(page).waitFor();
    await settled(page);
    assert.deepEqual(await panel(page).boundingBox(), { x: 0, y: 0, width: 390, height: 844 });
    assert.equal(await panel(page).evaluate((node) => node.matches(":modal")), true);
    await ask(page, KEPT);
    await assertAccessible(page, "phone");
    await shot(page, "phone");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, "nothing is wider than the screen");
    await turn(page).locator(".sources a").first().tap();
    await page.waitForURL("**/docs/concepts/sessions#lifetime");
    await launcher(page).waitFor();
    await page.locator(":target").waitFor();
    assert.equal(await panel(page).count(), 0, "the page can be read");
    await launcher(page).tap();
    assert.equal(await turn(page).locator(".question").innerText(), KEPT);
    // Turned or put into a larger window, it is beside the page.
    await page.setViewportSize(DESK.viewport);
    await page.waitForFunction(() => !document.querySelector("ask-book").shadowRoot.querySelector("dialog").matches(":modal"));
    assert.equal(await panel(page).isVisible(), true);
    assert.deepEqual(page.wrong, []);

    // As narrow as it gets (WCAG 1.4.10).
    const narrow = await open(t, PAGE, { viewport: { width: 320, height: 256 } });
    await openPanel(narrow);
    await ask(narrow, KEPT);
    assert.equal(await narrow.evaluate(() => document.documentElement.scrollWidth <= 320), true);
    assert.equal(await field(narrow).isVisible(), true);
  });

  test("an Arabic page has an Arabic chat, from right to left", async (t) => {
    const page = await open(t, `${PAGE}?lang=ar&dir=rtl`);
    await openPanel(page);
    assert.equal(await panel(page).locator("h2").innerText(), "اسأل الكتاب");
    assert.equal(await field(page).getAttribute("placeholder"), "اطرح سؤالًا");
    const box = await panel(page).boundingBox();
    assert.ok(box.x < 40, `it stands at the left: ${box.x}`);
    await assertAccessible(page, "Arabic");
    const text = "لتغيير المنفذ، اكتب `PORT=9000` في ملف `.env` [1]:\n\n- أولًا\n- ثانيًا\n\n```bash\nPORT=9000\n```";
    const sources = [{ number: 1, title: "البداية", section: "تغيير المنفذ", url: "/docs/getting-started#port", quote: "" }];
    proxy.next = scripted(text, { sources });
    await ask(page, "كيف أغيّر المنفذ؟");
    const item = await turn(page).locator("li").first().boundingBox();
    assert.ok(item.x + item.width < box.x + box.width - 18, "bullets have room at the right");
    assert.equal(await turn(page).locator("pre").evaluate((pre) => getComputedStyle(pre).direction), "ltr");
    assert.equal(await turn(page).locator("a.cite").getAttribute("aria-label"), "المصدر 1: البداية › تغيير المنفذ");
    await assertAccessible(page, "Arabic answer");
    await shot(page, "arabic");
    // An answer in English is read from left to right there, too.
    await ask(page, KEPT);
    assert.equal(await turn(page).locator(".answer").evaluate((node) => getComputedStyle(node).direction), "ltr");
    assert.deepEqual(page.wrong, []);
  });

  test("the chat speaks the language of the page", async (t) => {
    const words = new Map();
    const page = await open(t, `${PAGE}?lang=zh-Hans`);
    await openPanel(page);
    assert.equal(await panel(page).locator("h2").innerText(), "向本书提问");
    for (const lang of ["en", "ar", "de", "es", "fr", "hi", "ja", "pt-BR", "ru", "ur", "zh-Hans", "tlh"]) {
      await page.evaluate((lang) => (document.documentElement.lang = lang), lang);
      const heading = await panel(page).locator("h2").innerText();
      words.set(lang, [heading, await field(page).getAttribute("placeholder"), await chat(page).locator(".disclaimer").innerText()]);
      const direction = await panel(page).evaluate((node) => getComputedStyle(node).direction);
      assert.equal(direction, ["ar", "ur"].includes(lang) ? "rtl" : "ltr", lang);
    }
    assert.deepEqual(words.get("tlh"), words.get("en"), "or English");
    assert.equal(new Set([...words.values()].flat()).size, 3 * 11, "each has its own words");
    assert.deepEqual(page.wrong, []);
  });

  test("a chat in its place in the page, with questions to begin with", async (t) => {
    const page = await open(t, `${PAGE}?inline`);
    await field(page).waitFor();
    assert.equal(await launcher(page).count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.localName), "body", "it takes no focus");
    await chat(page).evaluate((node, questions) => node.setAttribute("questions", questions), `${KEPT}| ${PORT} |`);
    assert.equal(await chat(page).locator(".example").count(), 2);
    await assertAccessible(page, "inline");
    await chat(page).getByRole("button", { name: KEPT }).click();
    await turn(page).locator(".sources").waitFor();
    await assertAccessible(page, "inline answer");
    await chat(page).scrollIntoViewIfNeeded();
    await shot(page, "inline");
    await page.evaluate(() => scrollTo(0, 0));
    await page.keyboard.press("Escape");
    assert.equal(await panel(page).isVisible(), true);
    assert.deepEqual(page.wrong, []);
  });

  test("all chats of a page have one conversation, and the floating one has the key", async (t) => {
    const page = await open(t, `${PAGE}?inline`);
    await field(page).waitFor();
    await page.evaluate(() => document.body.append(document.createElement("ask-book")));
    const [inline, floating] = [chat(page).first(), chat(page).last()];
    await page.keyboard.press("Control+i");
    await floating.locator("textarea").fill(KEPT);
    await floating.locator("textarea").press("Enter");
    for (const one of [inline, floating]) await one.locator(".sources a").waitFor();
    assert.equal(await inline.locator(".turn").count(), 1);
    assert.equal(proxy.questions.length, 1);
    await inline.getByRole("button", { name: "New conversation" }).click();
    assert.equal(await floating.locator(".turn").count(), 0);
    assert.deepEqual(page.wrong, []);
  });

  test("a router takes the links into its site, and scripts open, ask and close", async (t) => {
    const page = await open(t, `${PAGE}?heading=Ask%20me&position=start`);
    await launcher(page).waitFor();
    await page.evaluate(() => {
      globalThis.told = [];
      document.addEventListener("askbook-toggle", ({ detail }) => globalThis.told.push(detail.open));
      document.addEventListener("askbook-navigate", (event) => {
        event.preventDefault();
        globalThis.told.push(event.detail.url.pathname + event.detail.url.hash);
        history.pushState({}, "", event.detail.url);
      });
    });
    const element = await page.$("ask-book");
    await element.evaluate((node, question) => node.ask(question, { selectedText: "a conversation" }), KEPT);
    await turn(page).locator(".sources a").first().click();
    assert.equal(proxy.questions[0].selected_text, "a conversation");
    await ask(page, PORT);
    assert.equal(proxy.questions[1].page, "/docs/concepts/sessions", "the page that the router shows");
    assert.equal(await panel(page).locator("h2").innerText(), "Ask me");
    assert.ok((await panel(page).boundingBox()).x < 40);
    assert.equal(await element.evaluate((node) => node.open), true);
    await element.evaluate((node) => node.hide());
    await element.evaluate((node) => node.clear());
    assert.equal(await chat(page).locator(".turn").count(), 0);
    assert.deepEqual(await page.evaluate(() => globalThis.told), [true, "/docs/concepts/sessions#lifetime", false]);
    // Docusaurus has a button of its own in the corner of long pages.
    const { y } = await launcher(page).boundingBox();
    await page.evaluate(() => document.body.append(Object.assign(document.createElement("button"), { className: "theme-back-to-top-button" })));
    assert.equal((await launcher(page).boundingBox()).y, y - 60);
    // Taken out of the page and put back, as frameworks do, it is the same.
    await element.evaluate((node) => {
      const { parentNode } = node;
      node.remove();
      parentNode.append(node);
    });
    await page.keyboard.press("Control+i");
    await panel(page).waitFor();
    assert.equal(await panel(page).count(), 1);
    await ask(page, KEPT);
    assert.deepEqual(page.wrong, []);
  });

  test("nothing moves for those who want no motion", async (t) => {
    const page = await open(t, PAGE, { reducedMotion: "reduce" });
    await openPanel(page);
    proxy.next = { holdBefore: "found", released: new Promise(() => {}) };
    await field(page).fill(KEPT);
    await field(page).press("Enter");
    await turn(page).locator(".status").waitFor();
    const moves = await chat(page).evaluate((node) =>
      [...node.shadowRoot.querySelectorAll("*")].flatMap((one) => one.getAnimations().map(() => one.className)),
    );
    assert.deepEqual(moves, []);
    assert.equal(await panel(page).evaluate((node) => getComputedStyle(node).animationName), "none");
  });
});
