/** What `@theme/AskBook` is made of, for who replaces it. */
import {useEffect, useRef, type RefObject} from 'react';
import useDocusaurusContext from '@docusaurus/useDocusaurusContext';
import {usePluginData} from '@docusaurus/useGlobalData';
import type {GlobalData} from '../global-data';
import {useCitations} from './citations';
import {usePage} from './page';

/**
 * Puts an `<ask-book>` into the element with this ref, and keeps telling it where the reader is.
 * What the reader follows in it is followed by the router, so that the chat stays as it is.
 */
export function useAskBook(): RefObject<HTMLDivElement | null> {
  const attributes = useAttributes();
  const follow = useCitations();
  const place = useRef<HTMLDivElement>(null);
  const element = useRef<HTMLElement | null>(null);

  // The element is made here and not by React, which would set properties that it only reads, and
  // would have it in pages without JavaScript.
  useEffect(() => {
    element.current = document.createElement('ask-book');
    const unfollow = follow(element.current);
    return () => {
      unfollow();
      element.current?.remove();
    };
  }, [follow]);

  // It comes into the page with all that it has to know, and is told what changes.
  useEffect(() => {
    const chat = element.current;
    if (!chat) return;
    for (const [name, value] of Object.entries(attributes)) {
      if (chat.getAttribute(name) !== value) chat.setAttribute(name, value);
    }
    if (!chat.isConnected) place.current?.append(chat);
  });
  return place;
}

/** The attributes of `<ask-book>`: what the site says, and what Docusaurus knows. */
export function useAttributes(): Record<string, string> {
  const {server, attributes} = usePluginData('docusaurus-plugin-askbook') as GlobalData;
  const {currentLocale, localeConfigs} = useDocusaurusContext().i18n;
  const lang = localeConfigs[currentLocale]?.htmlLang ?? currentLocale;
  return {...attributes, server, lang, page: usePage()};
}
