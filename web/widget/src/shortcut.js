// A key that opens the chat.

/** @returns {boolean} */
const isApple = () => /Mac|iP(hone|ad|od)/.test(navigator.platform);

/**
 * What `mod+i` or `ctrl+shift+k` means; `null` for `off`, and for a key without a modifier, which
 * would get in the way of whoever moves about by keys.
 *
 * @param {string} text
 */
export function shortcut(text) {
  const parts = text.toLowerCase().split("+").map((part) => part.trim());
  const key = parts.pop() ?? "";
  const has = (/** @type {string} */ name) => parts.includes(name);
  const control = has("ctrl") || (has("mod") && !isApple());
  const meta = has("meta") || (has("mod") && isApple());
  const alt = has("alt");
  const shift = has("shift");
  if (!key || !(control || meta || alt)) return null;
  const pressed = [control && "Control", alt && "Alt", shift && "Shift", meta && "Meta"];
  const aria = [...pressed.filter(Boolean), key.toUpperCase()].join("+");
  return {
    /** As `aria-keyshortcuts` has it. */
    aria,
    /** As a reader knows it. */
    label: aria.replace("Control", "Ctrl").replace("Meta+", "⌘"),
    /**
     * Whether this is it. Where the keyboard has other letters than Latin ones, the place of the
     * key counts.
     *
     * @param {KeyboardEvent} event
     */
    matches(event) {
      const name = event.key.toLowerCase();
      const same = name === key || (name > "~" && event.code === `Key${key.toUpperCase()}`);
      return (
        same &&
        event.ctrlKey === control &&
        event.metaKey === meta &&
        event.altKey === alt &&
        event.shiftKey === shift
      );
    },
  };
}

/**
 * Whether a key goes to something that the reader writes in.
 *
 * @param {Event} event
 */
export function isTyping(event) {
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input, textarea, select");
}
