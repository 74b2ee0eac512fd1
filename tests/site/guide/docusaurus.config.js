// A site with askbook's chat: the manual, or the book that BOOK names, below a path, with a page that
// is in Arabic too, and with all that Docusaurus can check.
// @ts-check

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'Guide',
  url: 'https://guide.example',
  baseUrl: '/book/',
  trailingSlash: false,
  onBrokenLinks: 'throw',
  onBrokenAnchors: 'throw',
  markdown: {hooks: {onBrokenMarkdownLinks: 'throw'}},
  i18n: {
    defaultLocale: 'en',
    locales: ['en', 'ar'],
    localeConfigs: {ar: {direction: 'rtl', label: 'العربية'}},
  },
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    ['@docusaurus/plugin-content-docs', {path: process.env.BOOK ?? '../../../docs'}],
    ['@docusaurus/plugin-content-docs', {id: 'help', path: 'help', routeBasePath: 'help'}],
    '@docusaurus/plugin-content-pages',
    ['docusaurus-plugin-askbook', {url: 'https://askbook.example'}],
  ],
  themeConfig: {
    navbar: {
      title: 'Guide',
      items: [
        {type: 'docSidebar', sidebarId: 'defaultSidebar', label: 'Docs'},
        {to: '/help/desk', label: 'Help'},
        {type: 'localeDropdown', position: 'right'},
      ],
    },
  },
};

export default config;
