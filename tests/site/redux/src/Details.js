import React from 'react';

export function DetailedExplanation({title, children}) {
  return (
    <details>
      <summary>{title}</summary>
      {children}
    </details>
  );
}
