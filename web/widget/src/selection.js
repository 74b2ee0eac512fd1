// The text of the page that the reader has selected.

/** How much of it is sent, in characters; askbook takes no more. */
const LIMIT = 10_000;

/**
 * What is selected within what the selector names, or within the page where nothing is named so.
 *
 * @param {string} within
 * @returns {{ text: string, rect: DOMRect } | null}
 */
export function selected(within) {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const text = selection.toString().trim();
  if (text.length < 2) return null;
  const range = selection.getRangeAt(0);
  const common = range.commonAncestorContainer;
  const element = common instanceof Element ? common : common.parentElement;
  if (!element || element.closest("ask-book")) return null;
  const isInside = element.closest(within) ?? !document.querySelector(within);
  if (!isInside) return null;
  const rects = range.getClientRects();
  const rect = rects[rects.length - 1] ?? range.getBoundingClientRect();
  return { text: [...text].slice(0, LIMIT).join(""), rect };
}

/**
 * Calls back whenever the reader has selected something else, or nothing any more; not while the
 * selection is being made.
 *
 * @param {() => void} changed
 * @param {AbortSignal} signal
 */
export function watchSelection(changed, signal) {
  let isDown = false;
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => isDown || changed(), 100);
  };
  const hold = () => {
    isDown = true;
  };
  const release = () => {
    isDown = false;
    later();
  };
  const listen = (/** @type {string} */ name, /** @type {() => void} */ listener) =>
    document.addEventListener(name, listener, { signal, capture: true, passive: true });
  listen("selectionchange", later);
  listen("pointerdown", hold);
  listen("pointerup", release);
  // A finger that moves a handle ends in a cancelled pointer.
  listen("pointercancel", release);
  listen("scroll", changed);
}
