// A site with nearly all defaults: two versions and the current one, a second docs plugin, a
// language that is translated in part; and askbook's chat, in a place of the site's own.
// @ts-check

import npm2yarn from '@docusaurus/remark-plugin-npm2yarn';

const host = 'https://library.example';

const rules = {
  id: 'rules',
  path: 'rules',
  routeBasePath: 'house-rules',
  lastVersion: 'current',
  versions: {
    current: {label: 'Now', path: 'now'},
    '1.0': {label: 'Before', path: 'before', noIndex: true},
  },
};

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'Library',
  url: host,
  baseUrl: '/',
  onBrokenLinks: 'warn',
  i18n: {
    defaultLocale: 'en',
    locales: ['en', 'ur'],
    localeConfigs: {ur: {label: 'اردو', direction: 'rtl'}},
  },
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    ['@docusaurus/plugin-content-docs', {remarkPlugins: [[npm2yarn, {sync: true}]]}],
    ['@docusaurus/plugin-content-docs', rules],
    ['docusaurus-plugin-askbook', {url: 'https://askbook.example', attributes: {position: 'start'}}],
  ],
  themeConfig: {
    navbar: {title: 'Library', items: [{type: 'doc', docId: 'welcome', label: 'Docs'}]},
  },
};

export default config;
