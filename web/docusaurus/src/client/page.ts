import {useLocation} from '@docusaurus/router';
import {useActivePluginAndVersion, useAllDocsData} from '@docusaurus/plugin-content-docs/client';

/**
 * The page that askbook is told of: by it, it knows the version and the language to answer from.
 * A page that is not of the docs has a language too, and is told of as the docs in it.
 */
export function usePage(): string {
  const {pathname} = useLocation();
  const active = useActivePluginAndVersion()?.activeVersion;
  const all = useAllDocsData();
  if (active) return pathname;
  const {versions} = all.default ?? Object.values(all)[0] ?? {versions: []};
  return versions.find(({isLast}) => isLast)?.path ?? pathname;
}
