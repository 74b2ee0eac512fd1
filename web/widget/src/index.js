// What a bundler loads: defines <ask-book>. On a server, where pages are rendered, it does nothing.
import { AskBook, define } from "./element.js";

define(() => import("./panel.js"));

export { AskBook };
