// A site of nothing but docs, with a slash behind every URL and the settings of Docusaurus 4.

import type {Config} from '@docusaurus/types';
import type {Options} from '@docusaurus/plugin-content-docs';

const name = 'manual';

const docs = {
  routeBasePath: '/',
  sidebarPath: './sidebars.js',
  lastVersion: 'current',
  onlyIncludeVersions: ['current', '1'],
  versions: {
    current: {label: 'Newest'},
    '1': {path: 'v1', banner: 'none'},
  },
} satisfies Options;

const markdown: Config['markdown'] = {
  format: 'detect',
  anchors: {maintainCase: true},
};

export default async function createConfig() {
  return {
    title: 'Manual',
    titleDelimiter: '·',
    url: 'https://manual.example',
    baseUrl: `/${name}/`,
    trailingSlash: true,
    onBrokenLinks: 'warn',
    future: {v4: true, faster: false},
    markdown,
    themes: ['@docusaurus/theme-classic'],
    plugins: [['@docusaurus/plugin-content-docs', {...docs, breadcrumbs: false}]],
  } satisfies Config;
}
