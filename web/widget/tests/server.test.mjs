import assert from "node:assert/strict";
import { test } from "node:test";

test("where pages are rendered without a browser, the package does nothing", async () => {
  assert.equal(globalThis.customElements, undefined);
  const { AskBook } = await import("../dist/index.js");
  assert.ok(AskBook.observedAttributes.includes("heading"));
});
