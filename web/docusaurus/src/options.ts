import {Joi} from '@docusaurus/utils-validation';
import type {OptionValidationContext} from '@docusaurus/types';

/** What a site says of its askbook in `docusaurus.config.js`. */
export interface Options {
  /**
   * Where askbook is: an address like `https://chat.example.org`, or a path like `/askbook` when a
   * proxy serves it below the site's own host.
   */
  url: string;
  /** Attributes of `<ask-book>`, such as `{position: 'start', shortcut: 'mod+j'}`. */
  attributes?: Record<string, string>;
  /** Whether a build writes `askbook.json`, from which askbook indexes exactly what was built. */
  manifest?: boolean;
}

/** The options with their defaults; the URL has no slash at its end. */
export type PluginOptions = Required<Options> & {id: string};

/** What this plugin says to the element itself. */
const OWN = ['server', 'page', 'lang'];

const example = "such as url: 'https://chat.example.org'";

const schema = Joi.object<PluginOptions>({
  url: Joi.string()
    .required()
    .custom((value: string, helpers) => withoutSlash(value) ?? helpers.error('url.wrong'))
    .messages({
      'any.required': `askbook's address is missing: give it, ${example}`,
      'string.base': `askbook's address must be a text, ${example}`,
      'string.empty': `askbook's address is empty: give it, ${example}`,
      'url.wrong':
        `{{#value}} is not where askbook can be: give its http or https address without ` +
        `user, query and fragment, ${example}, or a path that a proxy serves, such as '/askbook'`,
    }),
  attributes: Joi.object()
    .pattern(
      Joi.string()
        .pattern(/^(?!on)[a-z][a-z-]*$/)
        .invalid(...OWN, 'inline'),
      Joi.string().allow(''),
    )
    .default({})
    .messages({
      'object.base': `"attributes" must be an object of texts, such as position: 'start'`,
      'object.unknown':
        `{{#label}} cannot be set: attributes are in lower case and no handlers; ${OWN.join(', ')} come from ` +
        `Docusaurus, and "inline" is for an <ask-book> that you put into a page yourself`,
    }),
  manifest: Joi.boolean().default(true),
  id: Joi.string(),
});

/**
 * Checks the options.
 *
 * @throws one is wrong; the message says what to write
 */
export function validateOptions({
  validate,
  options,
}: OptionValidationContext<Options, PluginOptions>): PluginOptions {
  return validate(schema as never, options);
}

/** The address as a prefix of others; nothing when there can be no askbook. */
function withoutSlash(url: string): string | undefined {
  const isPath = /^\/(?!\/)/.test(url);
  if (!isPath && !/^https?:\/\//i.test(url)) return undefined;
  if (!URL.canParse(url, 'http://site')) return undefined;
  const {protocol, host, pathname, username, password, search, hash} = new URL(url, 'http://site');
  if (username || password || search || hash) return undefined;
  const path = pathname.replace(/\/+$/, '');
  return isPath ? path : `${protocol}//${host}${path}`;
}
