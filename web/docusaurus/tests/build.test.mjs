// What the plugin does at the end of a build.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import plugin from "../lib/index.js";

const TEXT = "# Titel\n\nText.\n";
const DIGEST = createHash("sha256").update(TEXT).digest("hex");

/** Ends a build of a site with these versions in a language, and reads what was written. */
async function built(t, locale, versions, options = {}) {
  const siteDir = await mkdtemp(join(tmpdir(), "askbook-site-"));
  t.after(() => rm(siteDir, { recursive: true }));
  const outDir = join(siteDir, "build");
  await mkdir(outDir);
  const translations = join(siteDir, "i18n/fr/docs");
  await mkdir(translations, { recursive: true });
  await mkdir(join(siteDir, "docs"));
  await writeFile(join(siteDir, "docs/a.md"), TEXT);
  await writeFile(join(siteDir, "docs/b.md"), `\uFEFF${TEXT.replaceAll("\n", "\r\n")}`);
  await writeFile(join(translations, "a.md"), TEXT);
  const loadedVersions = versions.map((version) => ({
    versionName: "current",
    noIndex: false,
    contentPathLocalized: locale === "en" ? undefined : translations,
    ...version,
  }));
  const siteConfig = { url: "https://site.example", baseUrl: locale === "en" ? "/" : `/${locale}/` };
  const { postBuild } = plugin.default(
    { siteConfig },
    { id: "default", url: "https://chat.example", attributes: {}, manifest: true, ...options },
  );
  const docs = { name: "docusaurus-plugin-content-docs", options: { id: "default" } };
  await postBuild({
    siteDir,
    outDir,
    siteConfig,
    i18n: { currentLocale: locale, defaultLocale: "en" },
    plugins: [{ name: "another" }, { ...docs, content: { loadedVersions } }],
  });
  const files = await readdir(outDir);
  return files.length > 0 ? JSON.parse(await readFile(join(outDir, "askbook.json"), "utf8")) : null;
}

const page = (name, rest = {}) => ({
  permalink: `/docs/${name}`,
  title: "Titel",
  source: `@site/docs/${name}.md`,
  unlisted: false,
  ...rest,
});

test("a manifest holds the published pages, by what their text is", async (t) => {
  const versions = [
    { docs: [page("a"), page("b"), page("a", { unlisted: true })] },
    { versionName: "0.9", noIndex: true, docs: [page("a")] },
  ];
  const of = (name) => ({ permalink: `/docs/${name}`, title: "Titel", file: `docs/${name}.md`, digest: DIGEST });
  assert.deepEqual(await built(t, "en", versions), {
    format: 1,
    locale: "en",
    baseUrl: "/",
    versions: [{ plugin: "default", name: "current", pages: [of("a"), of("b")] }],
  });
});

test("in another language, only what is translated is a page", async (t) => {
  const translated = page("a", { permalink: "/fr/docs/a", source: "@site/i18n/fr/docs/a.md" });
  const { locale, baseUrl, versions } = await built(t, "fr", [{ docs: [translated, page("b")] }]);
  assert.deepEqual([locale, baseUrl], ["fr", "/fr/"]);
  assert.deepEqual(versions[0].pages.map(({ file }) => file), ["i18n/fr/docs/a.md"]);
  const untranslated = { contentPathLocalized: undefined, docs: [page("a")] };
  assert.deepEqual((await built(t, "fr", [untranslated])).versions[0].pages, []);
});

test("no manifest is written when none is wanted", async (t) => {
  assert.equal(await built(t, "en", [{ docs: [page("a")] }], { manifest: false }), null);
});

test("an askbook that browsers would not call is warned of", async (t) => {
  const warn = t.mock.method(console, "warn", () => {});
  await built(t, "en", [], { url: "http://127.0.0.1:8000" });
  await built(t, "en", [], { url: "https://chat.example" });
  await built(t, "en", [], { url: "/askbook" });
  assert.equal(warn.mock.callCount(), 1);
  assert.match(`${warn.mock.calls[0].arguments}`, /keep pages of https:.* from calling http:/);
});
