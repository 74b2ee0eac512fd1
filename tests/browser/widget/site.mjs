// A site that has the manual as its pages, with the widget in them: served on loopback, styled by
// Infima as Docusaurus does, under a strict Content Security Policy.
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

const ROOT = resolve(import.meta.dirname, "../../..");
const INFIMA = resolve(import.meta.dirname, "../node_modules/infima/dist/css/default");

const LAYOUT = `
body { margin: 0; background: var(--ifm-background-color); }
main { max-width: 48rem; margin: 0 auto; padding: 2rem 1.5rem 6rem; }
textarea.elsewhere { display: block; width: 100%; }
:target { scroll-margin-top: 1rem; }
`;

/** The pages of the manual: address to file. */
async function pages() {
  const files = await readdir(join(ROOT, "docs"), { recursive: true });
  const found = files.filter((file) => /\.mdx?$/.test(file));
  return new Map(found.map((file) => [`/docs/${file.replace(/\.mdx?$/, "")}`, join(ROOT, "docs", file)]));
}

/** A page as HTML, its headings with the ids that Docusaurus gives them. */
async function content(file) {
  const text = await readFile(file, "utf8");
  const [, front = "", body = ""] = /^---\n(.*?)\n---\n(.*)$/s.exec(text) ?? [, "", text];
  const title = /^title: (.*)$/m.exec(front)?.[1] ?? "";
  const ids = [];
  const marked = body.replace(/^(#{2,4} .*?)(?: \{\/\* #([\w-]+) \*\/\})?$/gm, (_, heading, id) => {
    const slug = heading.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, "").trim().replaceAll(" ", "-");
    ids.push(id ?? slug);
    return heading;
  });
  let at = 0;
  const options = { extensions: [gfm()], htmlExtensions: [gfmHtml()] };
  const html = micromark(marked, options).replace(/<h([234])>/g, (_, level) => {
    return `<h${level} id="${ids[at++] ?? ""}">`;
  });
  return `<h1>${title}</h1>${html}`;
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

/**
 * Starts it. Pages take `lang`, `dir` and `theme`, and everything else, as attributes of the
 * script, from their query; `inline` puts the chat into the page, `script=off` leaves it out.
 *
 * `widget.server` is the origin of askbook, once it is known.
 */
export async function startSite(widget) {
  const manual = await pages();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://site.test");
    const policy = [
      "default-src 'none'",
      `script-src ${widget.server}`,
      `connect-src ${widget.server}`,
      "style-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
    ];
    response.setHeader("content-security-policy", policy.join("; "));
    if (pathname === "/infima.css") {
      const sheet = searchParams.has("rtl") ? "default-rtl.css" : "default.css";
      response.setHeader("content-type", "text/css");
      return response.end((await readFile(join(INFIMA, sheet), "utf8")) + LAYOUT);
    }
    const file = manual.get(pathname);
    if (!file) return response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();

    const { lang = "en", dir = "ltr", theme = "light", inline, plain, script, ...attributes } =
      Object.fromEntries(searchParams);
    const all = Object.entries(attributes);
    const given = all.map(([name, value]) => ` data-${name}="${escape(value)}"`).join("");
    const chat = inline === undefined ? "" : "<ask-book inline></ask-book>";
    const styles = plain === undefined ? `<link rel="stylesheet" href="/infima.css${dir === "rtl" ? "?rtl" : ""}">` : "";
    const loaded = script === "off" ? "" : `<script src="${widget.server}/widget.js" async${given}></script>`;
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html>
<html lang="${lang}" dir="${dir}" data-theme="${theme}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The manual</title>
${styles}
${loaded}
<main>${await content(file)}${chat}<textarea class="elsewhere" aria-label="Elsewhere"></textarea></main>
</html>`);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () => server.close(),
  };
}
