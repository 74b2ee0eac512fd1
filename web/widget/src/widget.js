// What a page loads from askbook with a script tag: defines <ask-book>, and puts one in the page.
import { AskBook, define } from "./element.js";

const script = /** @type {HTMLScriptElement | null} */ (
  document.currentScript ?? document.querySelector('script[src*="/widget.js"]')
);
const server = new URL(".", script?.src || document.baseURI).href;

// An absolute address: the base address of a script of another origin is not this script's.
define((server, attempt) => {
  const panel = new URL("widget/panel.js", server);
  if (attempt > 0) panel.searchParams.set("attempt", `${attempt}`);
  return import(panel.href);
}, server);

function mount() {
  if (document.querySelector("ask-book")) return;
  const element = document.createElement("ask-book");
  for (const [name, value] of Object.entries(script?.dataset ?? {})) {
    element.setAttribute(name, value ?? "");
  }
  document.body.append(element);
}

if (script?.dataset.mount !== "off" && AskBook.server === server) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
  else mount();
}
