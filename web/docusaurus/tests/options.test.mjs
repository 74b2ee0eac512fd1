// What a site may say in its configuration, and what it is told when that is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import validation from "@docusaurus/utils-validation";
import plugin from "../lib/index.js";

/** As Docusaurus validates the options of plugins (core/server/plugins/init.ts). */
function validated(options) {
  const validate = (schema, options) => validation.Joi.attempt(options, schema, { convert: true });
  return plugin.validateOptions({ validate, options: { id: "default", ...options } });
}

test("one option is enough", () => {
  assert.deepEqual(validated({ url: "https://chat.example.org/" }), {
    id: "default",
    url: "https://chat.example.org",
    attributes: {},
    manifest: true,
  });
});

test("askbook may be at an address or at a path of the site", () => {
  for (const [given, url] of [
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["HTTPS://Chat.Example.ORG/ask//", "https://chat.example.org/ask"],
    ["/askbook", "/askbook"],
    ["/", ""],
  ]) {
    assert.equal(validated({ url: given }).url, url);
  }
});

test("what is wrong is said with what to write", () => {
  for (const [options, message] of [
    [{}, "askbook's address is missing: give it, such as url: 'https://chat.example.org'"],
    [{ url: "" }, "askbook's address is empty: give it, such as url: 'https://chat.example.org'"],
    [{ url: 8000 }, "askbook's address must be a text, such as url: 'https://chat.example.org'"],
    ...[
      "chat.example.org",
      "//chat.example.org",
      "ftp://chat.example.org",
      "https://",
      "https://key@chat.example.org",
      "https://chat.example.org/?key=1",
      "https://chat.example.org/#ask",
    ].map((url) => [{ url }, `${url} is not where askbook can be: give its http or https address`]),
    [{ url: "/ask", attributes: { page: "/x" } }, '"attributes.page" cannot be set: attributes are in'],
    [{ url: "/ask", attributes: { inline: "" } }, '"attributes.inline" cannot be set'],
    [{ url: "/ask", attributes: { onClick: "x" } }, '"attributes.onClick" cannot be set'],
    [{ url: "/ask", attributes: { position: 1 } }, '"attributes.position" must be a string'],
    [{ url: "/ask", attributes: "start" }, '"attributes" must be an object of texts'],
    [{ url: "/ask", manifest: "never" }, '"manifest" must be a boolean'],
    [{ url: "/ask", apiKey: "x" }, '"apiKey" is not allowed'],
  ]) {
    assert.throws(
      () => validated(options),
      (error) => error.message.includes(message) || assert.equal(error.message, message),
    );
  }
});

test("handlers cannot be smuggled in as attributes", () => {
  assert.throws(() => validated({ url: "/ask", attributes: { onclick: "x" } }), /cannot be set/);
});
