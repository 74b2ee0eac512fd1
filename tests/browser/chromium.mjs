// Chromium, and what is looked at in all of its pages.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export const DESK = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/**
 * Why tests cannot run, when one of the files that they need is not there: `[file, what to do]`. An
 * error where they have to run (BROWSER=required).
 */
export function obstacle(...needed) {
  const all = [[CHROMIUM, "install chromium, or set CHROMIUM"], ...needed];
  const [file, remedy] = all.find(([file]) => !existsSync(file)) ?? [];
  if (!file) return false;
  const reason = `${file} is not there: ${remedy}`;
  if (process.env.BROWSER === "required") throw new Error(reason);
  return reason;
}

export function launch() {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** The chat's panel does not move any more. */
export async function settled(page) {
  const panel = page.locator("ask-book .panel");
  await panel.evaluate((node) => Promise.allSettled(node.getAnimations().map((one) => one.finished)));
}

/** WCAG 2.2 A and AA, and best practices, within the chat. */
export async function assertAccessible(page, state) {
  // Not through the page, whose policy lets no such script in.
  const session = await page.context().newCDPSession(page);
  await settled(page);
  await session.send("Runtime.evaluate", { expression: await readFile(AXE, "utf8") });
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run({ include: ["ask-book"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
  });
  assert.deepEqual(violations, [], state);
}

/** Takes a picture into the folder SCREENSHOTS, if it is set. */
export async function shot(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}
