//! A site: which folders hold pages, in which version and language, and where they are served
//! (`plugin-content-docs/versions`, `core/server/i18n.ts`).

mod collection;
pub(crate) mod config;
mod generated;
mod manifest;
pub(crate) mod script;
mod value;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::collection::Collection;
use self::collection::{CURRENT, Part, Version};
use self::config::{Config, MAIN, Said, Settings, between_slashes};
use self::generated::Generated;
use self::manifest::Manifest;
use self::value::{Object, Value};
use crate::{Book, BookError, Finding};
/// The docs of a site.
#[derive(Debug)]
pub(crate) struct Site {
    /// The site's folder, which `@site` stands for.
    pub(crate) folder: PathBuf,
    /// The folders that files may be read from, without links in their paths.
    pub(crate) roots: Vec<PathBuf>,
    /// In the order in which they win an URL.
    pub(crate) collections: Vec<Collection>,
}

impl Site {
    /// Finds the docs of what the owner pointed at.
    ///
    /// # Errors
    /// There is no such folder, or no docs in it.
    pub(crate) fn open(book: &Book, findings: &mut Vec<Finding>) -> Result<Self, BookError> {
        let folder = &book.folder;
        let metadata = fs::metadata(folder).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BookError::NotFound(folder.clone()),
            _ => BookError::Unreadable(folder.clone(), error),
        })?;
        if !metadata.is_dir() {
            return Err(BookError::NotAFolder(folder.clone()));
        }
        match configuration(folder) {
            Some(file) => Self::of_configuration(book, &file, findings),
            None => Ok(Self::of_docs(book, findings)),
        }
    }

    /// A bare docs folder.
    fn of_docs(book: &Book, findings: &mut Vec<Finding>) -> Self {
        let docs = book.folder.canonicalize().unwrap_or_else(|_| book.folder.clone());
        let site = docs.parent().filter(|parent| configuration(parent).is_some());
        if let Some(file) = site.and_then(configuration) {
            let what = "lies beside this folder and is not read: give the site's folder to have \
                        its URLs, versions and languages";
            findings.push(Finding::new(format!("../{}", name_of(&file)), None, what));
        } else if docs.join("docs").is_dir() {
            let what = "is read as a part of the docs, because there is no docusaurus.config.* \
                        beside it: give this folder alone if it is the docs folder";
            findings.push(Finding::new("docs", None, what));
        }
        let mut config = Config::default();
        config.publish(book);
        let folder = site.unwrap_or(&docs).to_owned();
        let mut site = Self { folder: folder.clone(), roots: vec![folder], collections: vec![] };
        let plugin = Arc::new(Part::new(&config.plugins[0], HashMap::new(), &config, findings));
        let version = Version { name: CURRENT.to_owned(), path: String::new() };
        let locale = &config.locales[0];
        let mut collection = plugin.collection(&config, locale, &version, book.folder.clone());
        collection.prefix.clear();
        site.collections.push(collection);
        site
    }

    fn of_configuration(
        book: &Book,
        file: &Path,
        findings: &mut Vec<Finding>,
    ) -> Result<Self, BookError> {
        let generated = Generated::of(&book.folder);
        let value = evaluated(&book.folder, file, &generated, findings);
        let said = Said {
            site_url: book.site_url.is_some(),
            route_base_path: book.route_base_path.is_some(),
        };
        let mut config = match value {
            Some(value) => Settings { file: &name_of(file), said, findings }.config(&value),
            None => Config::default(),
        };
        config.publish(book);
        let folder = book.folder.clone();
        let mut site = Self { roots: vec![canonical(&folder)], folder, collections: vec![] };
        // The main docs win over others, and the default language over translations.
        config.plugins.sort_by_key(|plugin| plugin.id != MAIN);
        let manifests = Manifest::all(&site.folder, findings);
        let mut missing = Vec::new();
        for plugin in &config.plugins {
            let is_said = plugin.id == MAIN && said.route_base_path;
            let permalinks =
                if is_said { HashMap::new() } else { generated.permalinks(&plugin.id) };
            let part = Part::new(plugin, permalinks, &config, findings);
            let versions = part.versions(&site.folder, findings);
            for locale in &config.locales {
                let manifest = manifests.iter().find(|manifest| manifest.locale == locale.name);
                let manifest = manifest.filter(|_| !is_said);
                let built =
                    Arc::new(manifest.map(|it| it.permalinks(&plugin.id)).unwrap_or_default());
                for version in &versions {
                    let docs = site.folder.join(part.path_of(version));
                    if !docs.is_dir() {
                        missing.push(part.path_of(version));
                        continue;
                    }
                    if part.is_hidden(version) {
                        continue;
                    }
                    let mut collection = part.collection(&config, locale, version, docs);
                    // A folder of the main docs may have the same name.
                    if config.plugins.iter().any(|plugin| {
                        let main = site.folder.join(&plugin.path);
                        plugin.id == MAIN && main.join(&collection.prefix).exists()
                    }) && !collection.prefix.is_empty()
                    {
                        collection.prefix.insert_str(0, "@site/");
                    }
                    collection.translations =
                        part.translations(&site.folder, &config, locale, version);
                    collection.translated_only = locale.name != config.default_locale;
                    if collection.translated_only && collection.translations.is_none() {
                        continue;
                    }
                    if generated.locale().is_some_and(|built| built != locale.name) {
                        collection.permalinks = Arc::default();
                    }
                    collection.built = Arc::clone(&built);
                    site.roots.push(canonical(&collection.folder));
                    site.collections.push(collection);
                }
            }
        }
        missing.dedup();
        if site.collections.is_empty() {
            let reason = match missing.as_slice() {
                [] => "its configuration has no docs plugin".to_owned(),
                missing => format!("looked for {}", missing.join(", ")),
            };
            return Err(BookError::NoDocs { site: site.folder, reason });
        }
        for path in missing {
            findings.push(Finding::new(path, None, "this folder of docs does not exist"));
        }
        Ok(site)
    }
}

/// The configuration of the site in a folder.
fn configuration(folder: &Path) -> Option<PathBuf> {
    ["ts", "mts", "cts", "js", "mjs", "cjs"]
        .iter()
        .map(|extension| folder.join(format!("docusaurus.config.{extension}")))
        .find(|file| file.is_file())
}

/// What the configuration says: as it was evaluated, or as far as it can be followed.
fn evaluated(
    folder: &Path,
    file: &Path,
    generated: &Generated,
    findings: &mut Vec<Finding>,
) -> Option<Value> {
    if let Some(script) = generated.config()
        && let Ok(mut value) = script::exported(&script, "mjs", folder)
    {
        if let (Value::Object(config), Some(i18n)) = (&mut value, &generated.i18n) {
            at_its_default_locale(config, i18n);
        }
        return Some(value);
    }
    let extension = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    let read = fs::read_to_string(file)
        .map_err(|error| (None, format!("it cannot be read ({})", error.kind())))
        .and_then(|text| script::exported(&text, extension, folder));
    let problem = match read {
        Ok(Value::Unknown { line, .. }) => (Some(line), "it computes what it exports".to_owned()),
        Ok(value) => return Some(value),
        Err(problem) => problem,
    };
    let (line, what) = problem;
    let what = format!(
        "{what}: the defaults of Docusaurus are assumed; set ASKBOOK_SITE_URL and \
         ASKBOOK_ROUTE_BASE_PATH, or build the site once"
    );
    findings.push(Finding::new(name_of(file), line, what));
    None
}

/// The evaluated configuration has the URLs of the language that was built last.
fn at_its_default_locale(config: &mut Object, i18n: &serde_json::Value) {
    let default = i18n.get("defaultLocale").and_then(serde_json::Value::as_str).unwrap_or_default();
    let locale = i18n.get("localeConfigs").and_then(|configs| configs.get(default));
    for key in ["url", "baseUrl"] {
        if let Some(value) = locale.and_then(|locale| locale.get(key)) {
            config.entries.insert(key.to_owned(), value.clone().into());
        }
    }
    config.entries.insert("i18n".to_owned(), i18n.clone().into());
}

impl Config {
    /// Has the owner's word instead of the configuration's.
    fn publish(&mut self, book: &Book) {
        if let Some(site_url) = &book.site_url {
            let site_url = site_url.trim();
            let path = site_url.find("://").map_or(0, |scheme| {
                site_url[scheme + 3..].find('/').map_or(site_url.len(), |path| scheme + 3 + path)
            });
            for locale in &mut self.locales {
                locale.url.take_if(|own| own.trim_end_matches('/') == self.url);
            }
            site_url[..path].clone_into(&mut self.url);
            let base_url = between_slashes(&site_url[path..]);
            for locale in &mut self.locales {
                let own = locale.base_url.as_ref().and_then(|own| own.strip_prefix(&self.base_url));
                locale.base_url = own.map(|own| format!("{base_url}{own}"));
            }
            self.base_url = base_url;
        }
        if let Some(route) = &book.route_base_path
            && let Some(main) = self.plugins.iter_mut().find(|plugin| plugin.id == MAIN)
        {
            route.trim().clone_into(&mut main.route_base_path);
        }
    }
}

/// The labels in a list of tabs, by value.
pub(crate) fn tab_labels(list: &str) -> HashMap<String, String> {
    let script = format!("export default ({list})");
    let Ok(Value::List(tabs)) = script::exported(&script, "js", Path::new("")) else {
        return HashMap::new();
    };
    let label = |tab: Value| match (tab.get("value"), tab.get("label")) {
        (Value::Text(value), Value::Text(label)) => Some((value, label)),
        _ => None,
    };
    tabs.into_iter().filter_map(label).collect()
}

fn canonical(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
