// Renders answers in Chromium by the renderers that sites use, with raw HTML on and nothing that
// sanitises behind them, and looks at what comes of them.
//
//   node check.mjs ANSWERS.json
//
// ANSWERS.json is {"links": [URL], "bare_host": text, "answers": [{"name", "written", "reviewed":
// [text]}]}: the links that may come out, an answer with a host name without a scheme, and each
// answer as a model wrote it and as it was shown. Prints one JSON object: {"rendered": {way: how
// many}, "harm": [what reviewed answers did], "control": [the names of answers that do something as
// they were written], "guess": [the ways that make a link of the host name]}.
import { readFile } from "node:fs/promises";
import MarkdownIt from "markdown-it";
import MarkdownIt14 from "markdown-it-14";
import { Marked } from "marked";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

import { launch } from "./chromium.mjs";

const PAGE = "http://book.test/docs/page";

const markdownIt = new MarkdownIt({ html: true, linkify: true });
// Takes host names without a scheme for links, too.
const markdownIt14 = new MarkdownIt14({ html: true, linkify: true });
const marked = new Marked();
const dangerous = { allowDangerousHtml: true, allowDangerousProtocol: true };
const gfmOn = { extensions: [gfm()], htmlExtensions: [gfmHtml()] };
const RENDERERS = {
  marked: (text) => marked.parse(text),
  "markdown-it": (text) => markdownIt.render(text),
  "markdown-it 14": (text) => markdownIt14.render(text),
  micromark: (text) => micromark(text, { ...dangerous, ...gfmOn }),
};

// What renderers make of Markdown; everything else came in with the text.
const SHAPES = {
  elements: [
    ..."p br hr em strong del s code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 a sup section".split(" "),
    ..."table thead tbody tr th td input".split(" "),
  ],
  attributes: [
    ..."a.href a.title a.id a.class a.data-footnote-ref a.data-footnote-backref a.dir".split(" "),
    ..."a.aria-describedby a.aria-label h2.id h2.class section.data-footnotes section.class".split(" "),
    ..."code.class ol.start li.id li.class ul.class th.align td.align th.style td.style".split(" "),
    ..."input.type input.checked input.disabled input.class".split(" "),
  ],
};

// Runs in the page: what stands there that is neither Markdown's nor one of the links, among so
// many answers.
function look({ shapes, links, count }) {
  const harm = [];
  if (window.pwned !== undefined) harm.push("a script ran");
  const shown = document.querySelectorAll("body > .answer");
  if (shown.length !== count) harm.push("an answer does not end where it should");
  if (document.querySelectorAll("head > *").length > 0) harm.push("something in the head");
  const comments = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT);
  if (comments.nextNode()) harm.push("a comment");
  for (const element of document.body.querySelectorAll("*")) {
    if ([...shown].includes(element)) continue;
    const name = element.localName;
    // Not a Markdown renderer: the browser itself takes the brackets of `<https://…>` for a tag.
    const isAutolink = /^(https?|mailto):/.test(name);
    if (!isAutolink && !shapes.elements.includes(name)) harm.push(`<${name}>`);
    for (const { name: attribute, value } of element.attributes) {
      const known = shapes.attributes.includes(`${name}.${attribute}`);
      if (attribute.startsWith("on") || !(known || isAutolink)) harm.push(`${name}.${attribute}`);
      if (attribute === "style" && !/^text-align: ?(left|right|center);?$/.test(value)) {
        harm.push(`style ${value}`);
      }
    }
    if (name === "input" && element.type !== "checkbox") harm.push(`<input type=${element.type}>`);
    const href = element.getAttribute("href");
    if (href !== null && !links.includes(href) && !/^#(user-content-)?fn/.test(href)) {
      harm.push(`a link to ${href}`);
    }
  }
  return harm;
}

const { links, bare_host, answers } = JSON.parse(await readFile(process.argv[2], "utf8"));
const browser = await launch();

// What happened in the page since it was asked the last time.
let events = [];
let page;

async function open() {
  const context = await browser.newContext({ serviceWorkers: "block" });
  page = await context.newPage();
  await context.route("**/*", (route) => {
    const request = route.request();
    if (request.url() === PAGE && request.isNavigationRequest()) {
      return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    }
    events.push(`a request to ${request.url()}`);
    return route.abort();
  });
  page.on("dialog", (dialog) => {
    events.push(`a dialog: ${dialog.message()}`);
    // The page may be gone by now, and the dialog with it.
    return dialog.dismiss().catch(() => {});
  });
  context.on("page", (popup) => {
    events.push("a window");
    return popup.close().catch(() => {});
  });
  await page.goto(PAGE);
}

// As a server puts answers into a page: scripts run.
async function serve(htmls) {
  const divs = htmls.map((html) => `<div class="answer">${html}</div>`);
  await page.setContent(`<!doctype html><body>${divs.join("\n")}`, { timeout: 10_000 });
}

// As a widget that knows no Markdown puts them there.
async function insert(texts) {
  await page.setContent("<!doctype html><body>");
  await page.evaluate((all) => {
    for (const text of all) {
      const div = document.createElement("div");
      div.className = "answer";
      document.body.append(div);
      div.innerHTML = text;
    }
  }, texts);
}

const WAYS = [
  ...Object.entries(RENDERERS).map(([name, render]) => ({
    name,
    takes: () => true,
    show: (texts) => serve(texts.map(render)),
  })),
  {
    name: "innerHTML",
    // Code is shown as it is, which takes something that knows what code is.
    takes: (text) => !Object.values(RENDERERS).some((render) => render(text).includes("<code")),
    show: insert,
  },
];

// What these texts do, shown so.
async function harmOf(way, texts) {
  events = [];
  let harm;
  try {
    await way.show(texts);
    harm = await page.evaluate(look, { shapes: SHAPES, links, count: texts.length });
    if (page.url() !== PAGE) harm.push(`it went to ${page.url()}`);
  } catch (error) {
    harm = [`the page is lost: ${error.message.split("\n")[0]}`];
  }
  harm.push(...events);
  if (harm.length > 0) {
    // What it did must not be seen in the next one.
    await page.goto(PAGE).catch(async () => {
      await page.context().close();
      await open();
    });
  }
  return [...new Set(harm)];
}

// The same with the text that does it. All are shown together; where something is wrong, the
// halves are.
async function culprits(way, texts) {
  if (texts.length === 0) return [];
  const harm = await harmOf(way, texts);
  if (harm.length === 0) return [];
  if (texts.length === 1) return harm.map((what) => `${way.name}: ${what}: ${texts[0]}`);
  const half = texts.length >> 1;
  const found = [
    ...(await culprits(way, texts.slice(0, half))),
    ...(await culprits(way, texts.slice(half))),
  ];
  return found.length > 0 ? found : [`${way.name}: together: ${harm.join(", ")}`];
}

await open();
const reviewed = answers.flatMap((answer) => answer.reviewed);
const rendered = {};
const harm = [];
for (const way of WAYS) {
  const texts = reviewed.filter(way.takes);
  rendered[way.name] = texts.length;
  for (let at = 0; at < texts.length; at += 100) {
    harm.push(...(await culprits(way, texts.slice(at, at + 100))));
  }
}
const control = [];
for (const { name, written } of answers) {
  for (const way of WAYS) {
    if (!way.takes(written) || (await harmOf(way, [written])).length === 0) continue;
    control.push(name);
    break;
  }
}
const guess = [];
for (const way of WAYS) {
  if ((await harmOf(way, [bare_host])).length > 0) guess.push(way.name);
}
await browser.close();
console.log(JSON.stringify({ rendered, harm, control, guess }));
