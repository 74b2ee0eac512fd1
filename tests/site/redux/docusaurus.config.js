// A site with the docs of Redux, which were written for a site and for nothing else, and askbook's
// chat: only docs, at the root. They are not in this repository.
// @ts-check

const path = require('path');
const {NormalModuleReplacementPlugin} = require('webpack');

const PARTS = path.join(__dirname, 'src');

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'Redux',
  url: 'https://redux.example',
  baseUrl: '/',
  // Its pictures are not there, nor the pages that are not docs.
  onBrokenLinks: 'ignore',
  onBrokenAnchors: 'ignore',
  markdown: {hooks: {onBrokenMarkdownLinks: 'ignore', onBrokenMarkdownImages: 'ignore'}},
  themes: ['@docusaurus/theme-classic'],
  plugins: [
    [
      '@docusaurus/plugin-content-docs',
      {path: '../../../../shared/data/redux-docs/docs', routeBasePath: '/'},
    ],
    ['docusaurus-plugin-askbook', {url: 'https://askbook.example'}],
    // What its pages import of the rest of its site.
    () => ({
      name: 'parts',
      configureWebpack: () => ({
        // Its docs may be there by a link.
        resolve: {symlinks: false},
        plugins: [
          new NormalModuleReplacementPlugin(/LiteYouTubeEmbed\.css$/, path.join(PARTS, 'none.css')),
          new NormalModuleReplacementPlugin(/^react-lite-youtube-embed$/, path.join(PARTS, 'Video.js')),
          new NormalModuleReplacementPlugin(/DetailedExplanation$/, path.join(PARTS, 'Details.js')),
        ],
      }),
    }),
  ],
  themeConfig: {
    navbar: {title: 'Redux', items: [{type: 'docSidebar', sidebarId: 'defaultSidebar', label: 'Docs'}]},
  },
};

module.exports = config;
