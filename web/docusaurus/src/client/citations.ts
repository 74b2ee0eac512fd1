import {useCallback, useMemo} from 'react';
import {useHistory} from '@docusaurus/router';
import useDocusaurusContext from '@docusaurus/useDocusaurusContext';
import {useAllDocsData} from '@docusaurus/plugin-content-docs/client';

/** The event by which `<ask-book>` asks who would follow a link into the own site. */
type Navigate = CustomEvent<{url: URL}>;

/**
 * Has the router follow the links of an `<ask-book>` that lead to docs of this site in this
 * language: whatever else there is has to be loaded. Returns how to end it.
 */
export function useCitations(): (element: HTMLElement) => () => void {
  const history = useHistory();
  const {url} = useDocusaurusContext().siteConfig;
  const all = useAllDocsData();
  const paths = useMemo(() => {
    const docs = Object.values(all).flatMap(({versions}) => versions.flatMap(({docs}) => docs));
    return new Set(docs.map(({path}) => canonical(path)));
  }, [all]);

  return useCallback(
    (element) => {
      const navigate = (event: Event) => {
        const {pathname, search, hash} = (event as Navigate).detail.url;
        if (!paths.has(canonical(pathname))) return;
        event.preventDefault();
        history.push(pathname + search + hash);
      };
      // Citations have the address that the site is published at; a preview has these pages, too.
      const stayHere = (event: Event) => {
        const link = event.composedPath().find((target) => target instanceof HTMLAnchorElement);
        if (!link || link.origin !== url || !paths.has(canonical(link.pathname))) return;
        link.href = link.pathname + link.search + link.hash;
        link.removeAttribute('target');
      };
      element.addEventListener('askbook-navigate', navigate);
      element.addEventListener('click', stayHere, {capture: true});
      return () => {
        element.removeEventListener('askbook-navigate', navigate);
        element.removeEventListener('click', stayHere, {capture: true});
      };
    },
    [history, paths, url],
  );
}

/** A path as all ways to write it are: without percent-encoding and a slash at its end. */
function canonical(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  try {
    return decodeURI(trimmed);
  } catch {
    return trimmed;
  }
}
