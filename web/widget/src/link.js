// Where links of answers lead.

/**
 * The address, if a page may lead there.
 *
 * @param {string | null} url
 * @returns {URL | null}
 */
export function addressOf(url) {
  if (!url) return null;
  try {
    const address = new URL(url, document.baseURI);
    return ["http:", "https:", "mailto:"].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

/**
 * The attributes of a link; those of one that leaves the site open it beside the conversation.
 *
 * @param {URL} address
 */
export function linkTo(address) {
  const leaves = address.origin !== location.origin && address.protocol !== "mailto:";
  return {
    href: address.href,
    target: leaves && "_blank",
    rel: leaves && "noopener noreferrer",
  };
}
