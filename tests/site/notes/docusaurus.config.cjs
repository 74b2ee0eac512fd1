// A site whose settings are nearly all its own, in German, with some pages in French.

const excluded = ['**/attic/**'];

module.exports = {
  title: 'Notizen',
  url: 'https://notes.example',
  baseUrl: '/team/notes/',
  trailingSlash: false,
  onBrokenLinks: 'warn',
  i18n: {
    defaultLocale: 'de',
    locales: ['de', 'fr', 'it'],
    path: 'languages',
    localeConfigs: {
      fr: {path: 'fr-CH', baseUrl: '/equipe/'},
      it: {translate: false},
    },
  },
  markdown: {
    format: 'md',
    mdx1Compat: {comments: false, admonitions: false, headingIds: true},
  },
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    [
      'content-docs',
      {
        path: 'pages',
        routeBasePath: 'wiki/pages',
        include: ['**/*.md', 'mdx/*.mdx'],
        exclude: [...excluded, '**/*.txt.md'],
        numberPrefixParser: false,
        admonitions: {keywords: ['recipe'], extendDefaults: true},
      },
    ],
  ],
};
