import {createHash} from 'node:crypto';
import {readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import type {LoadedContent} from '@docusaurus/plugin-content-docs';
import type {Props} from '@docusaurus/types';

/** The name of the manifest in the folder of the build, and in that of each language. */
export const MANIFEST = 'askbook.json';

/** What was built of the docs of a site in one language, as Docusaurus itself knows it. */
export interface Manifest {
  /** Changes when a reader of another one would misunderstand this. */
  format: 1;
  /** The language. */
  locale: string;
  /** The path below which the language is served; begins and ends with a slash. */
  baseUrl: string;
  /** The published versions of all docs plugins. */
  versions: Version[];
}

/** A version of the docs of one plugin. */
export interface Version {
  /** The id of the docs plugin. */
  plugin: string;
  /** Its name, as in `versions.json`; `current` for the one that has not been cut yet. */
  name: string;
  /** Its pages that readers may be sent to, and that are in this language. */
  pages: Page[];
}

/** A page of docs. */
export interface Page {
  /** Where it is served, not percent-encoded and before `trailingSlash` is applied. */
  permalink: string;
  /** Its title. */
  title: string;
  /** The file that it is made of, from the site's folder. */
  file: string;
  /**
   * SHA-256 of the text of that file, in hexadecimal digits: a page that was edited since is another
   * one. A byte order mark does not count, nor how lines end.
   */
  digest: string;
}

/** Writes the manifest of a build in one language into its folder. */
export async function writeManifest(props: Props): Promise<void> {
  const {i18n, siteConfig, outDir} = props;
  const manifest: Manifest = {
    format: 1,
    locale: i18n.currentLocale,
    baseUrl: siteConfig.baseUrl,
    versions: await versions(props),
  };
  await writeFile(path.join(outDir, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
}

async function versions({plugins, siteDir, i18n}: Props): Promise<Version[]> {
  const isOriginal = i18n.currentLocale === i18n.defaultLocale;
  const result: Version[] = [];
  for (const plugin of plugins) {
    if (plugin.name !== 'docusaurus-plugin-content-docs') continue;
    const {loadedVersions} = plugin.content as LoadedContent;
    for (const version of loadedVersions) {
      // Neither are search engines told of it.
      if (version.noIndex) continue;
      const {contentPathLocalized} = version;
      const pages: Page[] = [];
      for (const {permalink, title, source, unlisted} of version.docs) {
        const file = source.replace(/^@site\//, '');
        const full = path.resolve(siteDir, file);
        // What is not translated is there already, in the language that it is written in.
        const isTranslated =
          contentPathLocalized !== undefined && full.startsWith(contentPathLocalized + path.sep);
        if (unlisted || !(isOriginal || isTranslated)) continue;
        const digest = await digestOf(full);
        pages.push({permalink, title, file, digest});
      }
      result.push({plugin: plugin.options.id, name: version.versionName, pages});
    }
  }
  return result;
}

async function digestOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const plain = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  return createHash('sha256').update(plain).digest('hex');
}
