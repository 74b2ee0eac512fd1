// Serves what Docusaurus built, as a static host does.
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

/**
 * Serves a folder below a path. `askbook` is where askbook is, which can be set later. All that the
 * pages may load and call beside the site itself is askbook.
 */
export async function serveSite(folder, baseUrl) {
  const site = { url: "", askbook: "", close: () => server.close() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    // Browsers ask for it at the root, where a site below a path has nothing.
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    const below = decodeURIComponent(pathname).slice(baseUrl.length).replace(/\/$/, "");
    const candidates = below
      ? [below, `${below}.html`, `${below}/index.html`, "404.html"]
      : ["index.html", "404.html"];
    for (const candidate of candidates) {
      const content = await readFile(join(folder, candidate)).catch(() => null);
      if (!content) continue;
      const type = TYPES[extname(candidate)] ?? "application/octet-stream";
      const isText = !type.startsWith("application/octet-stream");
      response.writeHead(candidate === "404.html" ? 404 : 200, {
        "content-type": type,
        // Docusaurus has scripts and styles in its pages; askbook needs no more than its origin.
        "content-security-policy":
          `default-src 'self' data:; script-src 'self' 'unsafe-inline' ${site.askbook}; ` +
          `style-src 'self' 'unsafe-inline'; connect-src 'self' ${site.askbook}`,
      });
      response.end(isText ? content.toString().replaceAll(PLACEHOLDER, site.askbook) : content);
      return;
    }
    response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  site.url = `http://127.0.0.1:${server.address().port}`;
  return site;
}
