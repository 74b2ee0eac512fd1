/**
 * Puts askbook's chat into a Docusaurus site.
 *
 * The element `<ask-book>` comes from askbook itself (`/widget.js`), so that it always fits the
 * server. This plugin tells it what Docusaurus knows (which page, version and language the reader
 * is on), has the router follow its citations, and writes down what a build consists of.
 */
import path from 'node:path';
import logger from '@docusaurus/logger';
import type {LoadContext, Plugin, SwizzleConfig} from '@docusaurus/types';
import type {GlobalData} from './global-data';
import {writeManifest} from './manifest';
import type {PluginOptions} from './options';

export {validateOptions, type Options, type PluginOptions} from './options';
export type {Manifest} from './manifest';

/** The name under which the site's own `@theme/Root` is to be had. */
const SITE_ROOT = '@askbook/site-root';

export default function askbook(
  {siteConfig}: LoadContext,
  {url, attributes, manifest}: PluginOptions,
): Plugin {
  return {
    name: 'docusaurus-plugin-askbook',

    getThemePath: () => './theme',
    getTypeScriptThemePath: () => '../src/theme',

    contentLoaded({actions}) {
      const data: GlobalData = {server: url, attributes};
      actions.setGlobalData(data);
    },

    // A theme has one `@theme/Root`, and that of a site or of another plugin would hide ours or
    // be hidden by it. Ours goes around it, whosever it is.
    configureWebpack(config) {
      const aliases = config.resolve?.alias as Record<string, string> | undefined;
      const root = aliases?.['@theme/Root'];
      if (!root) throw new Error('docusaurus-plugin-askbook needs Docusaurus 3: no @theme/Root');
      const ours = path.join(__dirname, 'client/Root.js');
      return {resolve: {alias: {[SITE_ROOT]: root, '@theme/Root': ours}}};
    },

    injectHtmlTags: () => ({
      headTags: [
        {
          tagName: 'script',
          // The component mounts the element, with all that it has to know.
          attributes: {src: `${url}/widget.js`, async: true, 'data-mount': 'off'},
        },
      ],
    }),

    async postBuild(props) {
      if (siteConfig.url.startsWith('https:') && url.startsWith('http:')) {
        logger.warn`docusaurus-plugin-askbook: browsers keep pages of ${siteConfig.url} from calling ${url}. Give askbook's https address before you publish this build.`;
      }
      if (manifest) await writeManifest(props);
    },
  };
}

export function getSwizzleConfig(): SwizzleConfig {
  return {
    components: {
      AskBook: {
        actions: {eject: 'safe', wrap: 'safe'},
        description: 'Where the chat is put into the page, and for which pages.',
      },
    },
  };
}
