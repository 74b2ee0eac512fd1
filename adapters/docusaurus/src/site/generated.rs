//! What Docusaurus left in `.docusaurus` when it last built or served the site. Nothing of it is
//! documented, so everything in it may be missing.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::front_matter::FrontMatter;

/// The generated files of a site.
#[derive(Debug)]
pub(crate) struct Generated {
    folder: PathBuf,
    /// The languages with all their URLs, and which one was built last.
    pub(crate) i18n: Option<Value>,
}

/// What is generated of a page.
#[derive(Debug)]
pub(crate) struct Permalink {
    /// Its path below the base URL, before `trailingSlash` is applied.
    pub(crate) path: String,
    /// The title of the page, if it is known.
    pub(crate) title: Option<String>,
    made_of: Maker,
}

/// What a permalink was made of.
#[derive(Debug)]
enum Maker {
    /// The page with this front matter.
    FrontMatter(FrontMatter),
    /// The page with this text, by its SHA-256 in hexadecimal digits.
    Text(String),
}

impl Permalink {
    /// That of a page whose whole text is known by its digest.
    pub(super) fn built(path: String, title: String, digest: String) -> Self {
        Self { path, title: Some(title), made_of: Maker::Text(digest) }
    }

    /// Whether it was made of what the page says of its URL now.
    pub(crate) fn is_of(&self, text: &str, front_matter: &FrontMatter) -> bool {
        let says = |of: &FrontMatter| (of.id.clone(), of.slug.clone(), of.keeps_number_prefixes);
        match &self.made_of {
            Maker::FrontMatter(then) => says(then) == says(front_matter),
            Maker::Text(digest) => {
                let now = Sha256::digest(text);
                now.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == *digest
            }
        }
    }
}

impl Generated {
    /// What was generated for the site in a folder.
    pub(crate) fn of(site: &Path) -> Self {
        let folder = site.join(".docusaurus");
        let i18n = json(&folder.join("i18n.json"));
        Self { folder, i18n }
    }

    /// The script of the evaluated configuration.
    pub(crate) fn config(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("docusaurus.config.mjs")).ok()
    }

    /// The language that was built last.
    pub(crate) fn locale(&self) -> Option<&str> {
        self.i18n.as_ref()?.get("currentLocale")?.as_str()
    }

    /// The permalinks of a docs plugin in that language, by the file's path (`@site/docs/a.md`).
    pub(crate) fn permalinks(&self, plugin: &str) -> HashMap<String, Permalink> {
        let Some(base_url) = self.base_url() else { return HashMap::new() };
        let folder = self.folder.join("docusaurus-plugin-content-docs").join(plugin);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| permalink(&entry.path(), base_url)).collect()
    }

    /// The base URL of the language that was built last.
    fn base_url(&self) -> Option<&str> {
        let configs = self.i18n.as_ref()?.get("localeConfigs")?;
        configs.get(self.locale()?)?.get("baseUrl")?.as_str()
    }
}

fn permalink(path: &Path, base_url: &str) -> Option<(String, Permalink)> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    if !name.starts_with("site-") {
        return None;
    }
    let page = json(path)?;
    let text = |key: &str| page.get(key).and_then(Value::as_str).map(str::to_owned);
    let keys = page.get("frontMatter").and_then(|keys| serde_yaml_ng::to_value(keys).ok());
    let front_matter = keys
        .as_ref()
        .and_then(serde_yaml_ng::Value::as_mapping)
        .map(FrontMatter::from_keys)
        .unwrap_or_default();
    let path = text("permalink")?.strip_prefix(base_url)?.to_owned();
    let made_of = Maker::FrontMatter(front_matter);
    Some((text("source")?, Permalink { path, title: None, made_of }))
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
