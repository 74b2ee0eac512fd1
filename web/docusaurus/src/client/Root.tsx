import React, {type ReactNode} from 'react';
import SiteRoot from '@askbook/site-root';
import AskBook from '@theme/AskBook';
import type {Props} from '@theme/Root';

/** The site's own root, with the chat beside what it shows. It is never taken away. */
export default function Root({children}: Props): ReactNode {
  return (
    <SiteRoot>
      {children}
      <AskBook />
    </SiteRoot>
  );
}
