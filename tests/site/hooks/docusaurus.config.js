// A site that decides by code of its own where its pages are: none of it can be known without
// running it. Its pages came from another program, with addresses that have to stay.
// @ts-check

/** Chapters are numbered as `ch01-`. */
function numberPrefixParser(filename) {
  const [prefix, number] = /^ch(\d+)-/.exec(filename) ?? [];
  return prefix
    ? {filename: filename.slice(prefix.length), numberPrefix: Number(number)}
    : {filename, numberPrefix: undefined};
}

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'Hooks',
  url: 'https://hooks.example',
  baseUrl: '/h/',
  onBrokenLinks: 'warn',
  i18n: {defaultLocale: 'en', locales: ['en', 'fr']},
  markdown: {
    async parseFrontMatter(params) {
      const {frontMatter, content} = await params.defaultParseFrontMatter(params);
      const {url, name, ...rest} = frontMatter;
      return {frontMatter: {...rest, ...(url && {slug: url}), ...(name && {title: name})}, content};
    },
  },
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    ['@docusaurus/plugin-content-docs', {numberPrefixParser}],
    ['docusaurus-plugin-askbook', {url: 'https://askbook.example'}],
  ],
};

export default config;
