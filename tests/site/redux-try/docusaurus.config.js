const config = {
  title: 'Redux', url: 'https://redux.js.org', baseUrl: '/', onBrokenLinks: 'throw', onBrokenAnchors: 'warn',
  markdown: {hooks: {onBrokenMarkdownLinks: 'throw', onBrokenMarkdownImages: 'warn'}},
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    ['@docusaurus/plugin-content-docs', {path: 'docs', routeBasePath: '/'}],
    ['docusaurus-plugin-askbook', {url: 'https://askbook.example'}],
  ],
};
export default config;
