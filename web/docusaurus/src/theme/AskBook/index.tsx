import React, {type ReactNode} from 'react';
import {useAskBook} from 'docusaurus-plugin-askbook/client';

/** The chat of a site. It stays while the reader goes from page to page. */
export default function AskBook(): ReactNode {
  const place = useAskBook();
  return <div ref={place} />;
}
