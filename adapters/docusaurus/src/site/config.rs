//! What a site's configuration says about its docs, with the defaults of Docusaurus 3.10
//! (`core/server/configValidation.ts`, `plugin-content-docs/options.ts`).

use std::collections::BTreeMap;
use std::path::Path;

use super::value::Value;
use crate::Finding;
use crate::source::{Dialect, Syntax};

/// The name of the docs plugin that has no other.
pub(crate) const MAIN: &str = "default";

/// The part of a site's configuration that its docs depend on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// The site's origin, without a slash at its end; empty when it is not known.
    pub(crate) url: String,
    /// The path below which the site is served; begins and ends with a slash.
    pub(crate) base_url: String,
    pub(crate) trailing_slash: Option<bool>,
    pub(crate) default_locale: String,
    pub(crate) locales: Vec<Locale>,
    /// The folder of the translations.
    pub(crate) translations: String,
    pub(crate) format: Format,
    pub(crate) syntax: Syntax,
    pub(crate) plugins: Vec<DocsPlugin>,
}

/// A language of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locale {
    pub(crate) name: String,
    /// Its folder among the translations.
    pub(crate) path: String,
    /// Its own origin, if any.
    pub(crate) url: Option<String>,
    /// Its own base URL; otherwise its name below the site's, unless it is the default locale.
    pub(crate) base_url: Option<String>,
    /// Whether translations are used; otherwise they are if there is a folder.
    pub(crate) translate: Option<bool>,
}

/// How pages are written that do not say it themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Mdx,
    CommonMark,
    /// `.mdx` files are MDX, `.md` files are not.
    Detect,
}

impl Format {
    /// The dialect of a file.
    pub(crate) fn dialect(self, file: &str) -> Dialect {
        let is_md = Path::new(file).extension().is_some_and(|extension| extension == "md");
        match self {
            Self::Mdx => Dialect::Mdx,
            Self::CommonMark => Dialect::CommonMark,
            Self::Detect => {
                if is_md {
                    Dialect::CommonMark
                } else {
                    Dialect::Mdx
                }
            }
        }
    }
}

/// One instance of the docs plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocsPlugin {
    pub(crate) id: String,
    /// The folder of its current version, from the site's.
    pub(crate) path: String,
    pub(crate) route_base_path: String,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Whether the numbers before names are cut off.
    pub(crate) cuts_number_prefixes: bool,
    /// What is assumed of the URL of a page unless a build says it.
    pub(crate) assumption: Option<Finding>,
    /// The names of admonitions; none when they are turned off.
    pub(crate) admonitions: Vec<String>,
    pub(crate) last_version: Option<String>,
    pub(crate) include_current: bool,
    pub(crate) only: Option<Vec<String>>,
    pub(crate) disable_versioning: bool,
    pub(crate) versions: BTreeMap<String, VersionOptions>,
}

/// What the configuration says of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VersionOptions {
    pub(crate) path: Option<String>,
    /// Search engines are told to leave it out.
    pub(crate) no_index: bool,
}

impl Default for DocsPlugin {
    fn default() -> Self {
        Self {
            id: MAIN.to_owned(),
            path: "docs".to_owned(),
            route_base_path: "docs".to_owned(),
            include: texts(&["**/*.{md,mdx}"]),
            exclude: texts(&[
                "**/_*.{js,jsx,ts,tsx,md,mdx}",
                "**/_*/**",
                "**/*.test.{js,jsx,ts,tsx}",
                "**/__tests__/**",
            ]),
            cuts_number_prefixes: true,
            assumption: None,
            admonitions: default_admonitions(),
            last_version: None,
            include_current: true,
            only: None,
            disable_versioning: false,
            versions: BTreeMap::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let locale = "en".to_owned();
        Self {
            url: String::new(),
            base_url: "/".to_owned(),
            trailing_slash: None,
            default_locale: locale.clone(),
            locales: vec![Locale::new(locale)],
            translations: "i18n".to_owned(),
            format: Format::Mdx,
            syntax: Syntax::default(),
            plugins: vec![DocsPlugin::default()],
        }
    }
}

impl Locale {
    fn new(name: String) -> Self {
        Self { path: name.clone(), name, url: None, base_url: None, translate: None }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The admonitions of Docusaurus.
pub(crate) fn default_admonitions() -> Vec<String> {
    texts(&[
        "secondary",
        "info",
        "success",
        "danger",
        "note",
        "tip",
        "warning",
        "important",
        "caution",
    ])
}

/// What the owner has said already: no finding about it is needed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub(crate) site_url: bool,
    pub(crate) route_base_path: bool,
}

/// Reads settings out of a configuration; what is needed and not known becomes a finding.
pub(crate) struct Settings<'a> {
    /// The configuration's file, for findings.
    pub(crate) file: &'a str,
    pub(crate) said: Said,
    pub(crate) findings: &'a mut Vec<Finding>,
}

/// What helps against a setting that only running the configuration could tell.
const BUILD: &str = "build the site once, then .docusaurus says it";
const SITE_URL: &str = "set ASKBOOK_SITE_URL";
const ROUTE: &str = "set ASKBOOK_ROUTE_BASE_PATH";

impl Settings<'_> {
    /// The configuration in a value.
    pub(crate) fn config(&mut self, value: &Value) -> Config {
        let default = Config::default();
        let url = self.site_text(value, "url").unwrap_or_default();
        let base_url = self.site_text(value, "baseUrl").unwrap_or_else(|| "/".to_owned());
        let i18n = self.known(value.get("i18n"), "i18n", BUILD);
        let default_locale =
            self.text(&i18n, "defaultLocale", BUILD).unwrap_or(default.default_locale);
        let mut locales = self.list(&i18n, "locales").unwrap_or_default();
        if !locales.contains(&default_locale) {
            locales.insert(0, default_locale.clone());
        }
        let locale_configs = self.known(i18n.get("localeConfigs"), "localeConfigs", BUILD);
        let locales = locales.into_iter().map(|name| self.locale(name, &locale_configs)).collect();
        let markdown = self.known(value.get("markdown"), "markdown", BUILD);
        let format = match self.text(&markdown, "format", BUILD).as_deref() {
            Some("md") => Format::CommonMark,
            Some("detect") => Format::Detect,
            _ => Format::Mdx,
        };
        Config {
            url: url.trim_end_matches('/').to_owned(),
            base_url: between_slashes(&base_url),
            trailing_slash: self.bool(value, "trailingSlash"),
            default_locale,
            locales,
            translations: self.text(&i18n, "path", BUILD).unwrap_or(default.translations),
            format,
            syntax: self.syntax(value, &markdown),
            plugins: self.plugins(value),
        }
    }

    fn locale(&mut self, name: String, configs: &Value) -> Locale {
        let config = self.known(configs.get(&name), "localeConfigs", BUILD);
        let mut locale = Locale::new(name);
        locale.path = self.text(&config, "path", BUILD).unwrap_or(locale.path);
        locale.url = self.text(&config, "url", BUILD);
        locale.base_url =
            self.text(&config, "baseUrl", BUILD).map(|base_url| between_slashes(&base_url));
        locale.translate = self.bool(&config, "translate");
        locale
    }

    fn syntax(&mut self, value: &Value, markdown: &Value) -> Syntax {
        let future = self.known(value.get("future"), "future", BUILD);
        let v4 = self.known(future.get("v4"), "future.v4", BUILD);
        let without_compat =
            v4 == Value::Bool(true) || v4.get("mdx1CompatDisabledByDefault") == Value::Bool(true);
        let compat = self.known(markdown.get("mdx1Compat"), "mdx1Compat", BUILD);
        let anchors = self.known(markdown.get("anchors"), "anchors", BUILD);
        let mut compat = |key| self.bool(&compat, key).unwrap_or(!without_compat);
        Syntax {
            comments: compat("comments"),
            admonition_titles: compat("admonitions"),
            maintain_case: self.bool(&anchors, "maintainCase").unwrap_or(false),
            ..Syntax::default()
        }
    }

    /// The docs plugins: that of the classic preset, and those that stand for themselves.
    fn plugins(&mut self, value: &Value) -> Vec<DocsPlugin> {
        let mut plugins = Vec::new();
        let presets = self.known(value.get("presets"), "presets", BUILD);
        for (name, options) in self.entries(&presets, "presets") {
            if name == "classic" || name.contains("preset-classic") {
                let docs = self.known(options.get("docs"), "docs", BUILD);
                if docs != Value::Bool(false) {
                    plugins.push(self.plugin(&docs));
                }
            }
        }
        let standing = self.known(value.get("plugins"), "plugins", BUILD);
        for (name, options) in self.entries(&standing, "plugins") {
            if name == "content-docs" || name.contains("plugin-content-docs") {
                plugins.push(self.plugin(&options));
            }
        }
        let is_unknown = |key| matches!(value.get(key), Value::Unknown { likely: None, .. });
        if plugins.is_empty() && (is_unknown("presets") || is_unknown("plugins")) {
            plugins.push(DocsPlugin::default());
        }
        plugins
    }

    /// The names and options of plugins or presets.
    fn entries(&mut self, list: &Value, name: &str) -> Vec<(String, Value)> {
        let Value::List(items) = list else { return Vec::new() };
        let mut entries = Vec::new();
        for item in items {
            let (head, options) = match self.known(item.clone(), name, BUILD) {
                Value::List(mut pair) if !pair.is_empty() => {
                    let options = if pair.len() > 1 { pair.remove(1) } else { Value::Nothing };
                    (self.known(pair.remove(0), name, BUILD), options)
                }
                head => (head, Value::Nothing),
            };
            if let Value::Text(head) = head {
                entries.push((head, self.known(options, name, BUILD)));
            }
        }
        entries
    }

    fn plugin(&mut self, options: &Value) -> DocsPlugin {
        let default = DocsPlugin::default();
        let id = self.text(options, "id", BUILD).unwrap_or(default.id);
        let route_base_path = if self.said.route_base_path && id == MAIN {
            None
        } else {
            self.text(options, "routeBasePath", if id == MAIN { ROUTE } else { BUILD })
        };
        let (cuts_number_prefixes, assumption) = match options.get("numberPrefixParser") {
            Value::Bool(cuts) => (cuts, None),
            Value::Nothing => (true, None),
            parser => {
                let line = if let Value::Unknown { line, .. } = parser { Some(line) } else { None };
                let what = "numberPrefixParser cannot be run: the default is assumed";
                (true, Some(Finding::new(self.file, line, format!("{what}; {BUILD}"))))
            }
        };
        DocsPlugin {
            path: self.text(options, "path", BUILD).unwrap_or(default.path),
            route_base_path: route_base_path.unwrap_or(default.route_base_path),
            include: self.list(options, "include").unwrap_or(default.include),
            exclude: self.list(options, "exclude").unwrap_or(default.exclude),
            cuts_number_prefixes,
            assumption,
            admonitions: self.admonitions(options),
            last_version: self.text(options, "lastVersion", BUILD),
            include_current: self.bool(options, "includeCurrentVersion").unwrap_or(true),
            only: self.list(options, "onlyIncludeVersions"),
            disable_versioning: self.bool(options, "disableVersioning").unwrap_or(false),
            versions: self.versions(options),
            id,
        }
    }

    fn admonitions(&mut self, options: &Value) -> Vec<String> {
        match self.known(options.get("admonitions"), "admonitions", BUILD) {
            Value::Bool(false) => Vec::new(),
            Value::Object(own) => {
                let own = Value::Object(own);
                let mut names = match self.bool(&own, "extendDefaults") {
                    Some(false) => Vec::new(),
                    _ => default_admonitions(),
                };
                names.extend(self.list(&own, "keywords").unwrap_or_default());
                names
            }
            _ => default_admonitions(),
        }
    }

    fn versions(&mut self, options: &Value) -> BTreeMap<String, VersionOptions> {
        let Value::Object(versions) = self.known(options.get("versions"), "versions", BUILD) else {
            return BTreeMap::new();
        };
        let mut read = |(name, options): (String, Value)| {
            let options = self.known(options, "versions", BUILD);
            let path = self.text(&options, "path", BUILD);
            let no_index = self.bool(&options, "noIndex").unwrap_or(false);
            (name, VersionOptions { path, no_index })
        };
        versions.entries.into_iter().map(&mut read).collect()
    }

    /// `url` or `baseUrl`, which the owner may have said.
    fn site_text(&mut self, value: &Value, key: &str) -> Option<String> {
        match value.get(key) {
            Value::Text(text) => Some(text),
            _ if self.said.site_url => None,
            _ => self.text(value, key, SITE_URL),
        }
    }

    fn text(&mut self, value: &Value, key: &str, remedy: &str) -> Option<String> {
        match self.known(value.get(key), key, remedy) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn bool(&mut self, value: &Value, key: &str) -> Option<bool> {
        match self.known(value.get(key), key, BUILD) {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn list(&mut self, value: &Value, key: &str) -> Option<Vec<String>> {
        let Value::List(items) = self.known(value.get(key), key, BUILD) else { return None };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if let Value::Text(text) = self.known(item, key, BUILD) {
                texts.push(text);
            }
        }
        Some(texts)
    }

    /// A value, or what it probably is, with a finding.
    fn known(&mut self, value: Value, name: &str, remedy: &str) -> Value {
        let Value::Unknown { line, likely } = value else { return value };
        let likely = likely.map_or(Value::Nothing, |likely| *likely);
        let assumed = match &likely {
            Value::Text(text) => format!("'{text}'"),
            Value::Bool(value) => value.to_string(),
            _ => "the default".to_owned(),
        };
        let what = format!("{name} cannot be told without running this: {assumed} is assumed");
        self.find(Some(line), format!("{what}; {remedy}"));
        likely
    }

    fn find(&mut self, line: Option<usize>, what: String) {
        let finding = Finding::new(self.file, line, what);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// A path that begins and ends with a slash.
pub(crate) fn between_slashes(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { "/".to_owned() } else { format!("/{path}/") }
}
