// Serves what Docusaurus built, as a static host does.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** The address that the sites were built with; only when they are served is it known where askbook is. */
const PLACEHOLDER = "https://askbook.example";

/** The sources of a policy that let the scripts in a page run, and no others in it. */
function scriptsIn(html) {
  const scripts = [...html.matchAll(/<script(?![^>]* src=)[^>]*>(.*?)<\/script>/gs)];
  const hash = ([, script]) => createHash("sha256").update(script).digest("base64");
  return scripts.map((script) => `'sha256-${hash(script)}'`).join(" ");
}

/**
 * Serves a folder below a path. `askbook` is where askbook is, which can be set later.
 *
 * All that a page may load, call and run is the site's, its own inline scripts, and askbook.
 * Docusaurus colours code by `style` attributes and has pictures in its style sheet; askbook's chat
 * needs neither.
 */
export async function serveSite(folder, baseUrl) {
  const site = { url: "", askbook: "", close: () => server.close() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    // Browsers ask for it at the root, where a site below a path has nothing; and the pictures of
    // Redux are not there.
    if (/^\/(favicon\.ico$|img\/)/.test(pathname)) return response.writeHead(204).end();
    const below = decodeURIComponent(pathname).slice(baseUrl.length).replace(/\/$/, "");
    const candidates = below
      ? [below, `${below}.html`, `${below}/index.html`, "404.html"]
      : ["index.html", "404.html"];
    for (const candidate of candidates) {
      const content = await readFile(join(folder, candidate)).catch(() => null);
      if (!content) continue;
      const type = TYPES[extname(candidate)] ?? "application/octet-stream";
      const isText = !type.startsWith("application/octet-stream");
      const sent = isText ? content.toString().replaceAll(PLACEHOLDER, site.askbook) : content;
      response.writeHead(candidate === "404.html" ? 404 : 200, {
        "content-type": type,
        "content-security-policy": [
          "default-src 'none'",
          `script-src 'self' ${site.askbook} ${type.startsWith("text/html") ? scriptsIn(sent) : ""}`,
          `connect-src 'self' ${site.askbook}`,
          "style-src 'self'",
          "style-src-attr 'unsafe-inline'",
          "img-src 'self' data:",
          "base-uri 'none'",
          "form-action 'none'",
        ].join("; "),
      });
      response.end(sent);
      return;
    }
    response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  site.url = `http://127.0.0.1:${server.address().port}`;
  return site;
}
