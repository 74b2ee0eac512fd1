import assert from "node:assert/strict";
import { test } from "node:test";

/** A keyboard event, with the keys that are held. */
const press = (key, held = {}, code = "") => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

async function on(platform) {
  Object.defineProperty(globalThis, "navigator", { value: { platform }, configurable: true });
  return (await import("../src/shortcut.js")).shortcut;
}

test("mod is Control, and Command on Apple's machines", async () => {
  for (const [platform, held, label] of [
    ["Linux x86_64", { ctrlKey: true }, "Ctrl+I"],
    ["MacIntel", { metaKey: true }, "⌘I"],
  ]) {
    const key = (await on(platform))("mod+i");
    assert.equal(key.label, label);
    assert.ok(key.matches(press("i", held)));
    assert.ok(!key.matches(press("i")));
    assert.ok(!key.matches(press("i", { ...held, shiftKey: true })));
    assert.ok(!key.matches(press("j", held)));
  }
});

test("a key of another alphabet counts by its place", async () => {
  const key = (await on("Win32"))("mod+i");
  assert.ok(key.matches(press("ш", { ctrlKey: true }, "KeyI")));
  assert.ok(!key.matches(press("о", { ctrlKey: true }, "KeyJ")));
  assert.ok(!key.matches(press("u", { ctrlKey: true }, "KeyI")), "a Latin letter counts itself");
});

test("a key alone is no shortcut", async () => {
  const shortcut = await on("Win32");
  for (const text of ["off", "", "i", "shift+i", "/"]) assert.equal(shortcut(text), null, text);
  const key = shortcut("Ctrl + Shift + K");
  assert.equal(key.aria, "Control+Shift+K");
  assert.ok(key.matches(press("K", { ctrlKey: true, shiftKey: true })));
});
