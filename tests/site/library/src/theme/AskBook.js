// Swizzled: a site may decide where its chat stands.
import React from 'react';
import AskBook from '@theme-original/AskBook';

export default function LibraryAskBook() {
  return (
    <aside id="desk">
      <AskBook />
    </aside>
  );
}
