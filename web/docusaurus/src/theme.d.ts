/// <reference types="@docusaurus/module-type-aliases" />

declare module '@theme/AskBook' {
  import type {ReactNode} from 'react';

  /** The chat of a site. It stays while the reader goes from page to page. */
  export default function AskBook(): ReactNode;
}

declare module '@askbook/site-root' {
  import type {Props} from '@theme/Root';
  import type {ReactNode} from 'react';

  export default function Root(props: Props): ReactNode;
}
