//! Collections: the pages of one docs plugin in one version and one language.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askbook::passage::Edition;

use super::config::{Config, DocsPlugin, Format, Locale, MAIN, between_slashes};
use super::generated::Permalink;
use crate::Finding;
use crate::files::Globs;
use crate::route::{Routes, with_single_slashes};
use crate::source::Syntax;

/// The version that has not been cut yet.
pub(super) const CURRENT: &str = "current";

/// Pages of one docs plugin in one version and one language.
#[derive(Debug)]
pub(crate) struct Collection {
    /// Where the pages lie.
    pub(crate) folder: PathBuf,
    /// Where their translations lie, under the same names.
    pub(crate) translations: Option<PathBuf>,
    /// Whether only what is translated is published here: the rest is there already.
    pub(crate) translated_only: bool,
    /// What comes before the names of its files in findings and ids; empty or ends with a slash.
    pub(crate) prefix: String,
    pub(crate) edition: Edition,
    pub(crate) routes: Routes,
    pub(crate) format: Format,
    pub(crate) syntax: Arc<Syntax>,
    pub(crate) globs: Arc<Globs>,
    /// What is assumed of the URL of a page unless a build says it.
    pub(crate) assumption: Option<Finding>,
    /// The paths of the folders in the names of generated files.
    sources: [String; 2],
    /// What Docusaurus left of its last start or build.
    pub(super) permalinks: Arc<HashMap<String, Permalink>>,
    /// What is in the manifest of the last build.
    pub(super) built: Arc<HashMap<String, Permalink>>,
}

impl Collection {
    /// What Docusaurus generated of a page, the newest first.
    pub(crate) fn permalinks(
        &self,
        relative: &str,
        is_translated: bool,
    ) -> impl Iterator<Item = &Permalink> {
        let source = format!("{}/{relative}", self.sources[usize::from(is_translated)]);
        [&self.permalinks, &self.built].into_iter().filter_map(move |known| known.get(&source))
    }
}

/// A version of the docs of one plugin.
pub(super) struct Version {
    pub(super) name: String,
    /// Its part of the URL.
    pub(super) path: String,
}

/// One docs plugin, ready for its collections.
pub(super) struct Part<'a> {
    plugin: &'a DocsPlugin,
    syntax: Arc<Syntax>,
    globs: Arc<Globs>,
    permalinks: Arc<HashMap<String, Permalink>>,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        plugin: &'a DocsPlugin,
        permalinks: HashMap<String, Permalink>,
        config: &Config,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let globs = Globs::new(&plugin.include, &plugin.exclude, findings);
        let admonitions = plugin.admonitions.clone();
        Self {
            plugin,
            syntax: Arc::new(Syntax { admonitions, ..config.syntax.clone() }),
            globs: Arc::new(globs),
            permalinks: Arc::new(permalinks),
        }
    }

    /// A name that is the plugin's own, as in `community_versions.json`.
    fn own(&self, name: &str) -> String {
        let id = &self.plugin.id;
        if id == MAIN { name.to_owned() } else { format!("{id}_{name}") }
    }

    /// The published versions, the current one first.
    pub(super) fn versions(&self, site: &Path, findings: &mut Vec<Finding>) -> Vec<Version> {
        let file = self.own("versions.json");
        let mut names: Vec<String> = match fs::read(site.join(&file)) {
            Ok(_) if self.plugin.disable_versioning => Vec::new(),
            Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|_| {
                let what = "is no list of versions: only the current one is read";
                findings.push(Finding::new(&file, None, what));
                Vec::new()
            }),
            Err(_) => Vec::new(),
        };
        names.retain(|name| {
            let is_folder = !name.trim().is_empty() && !name.contains(['/', '\\']);
            is_folder && name != "." && name != ".."
        });
        if self.plugin.include_current && !names.iter().any(|name| name == CURRENT) {
            names.insert(0, CURRENT.to_owned());
        }
        if let Some(only) = &self.plugin.only {
            names.retain(|name| only.contains(name));
        }
        let last = self.plugin.last_version.clone();
        let last = last.or_else(|| names.iter().find(|name| *name != CURRENT).cloned());
        let last = last.unwrap_or_else(|| CURRENT.to_owned());
        let version = |name: String| {
            let options = self.plugin.versions.get(&name);
            let path =
                options.and_then(|options| options.path.clone()).unwrap_or_else(|| {
                    match name.as_str() {
                        name if name == last => String::new(),
                        CURRENT => "next".to_owned(),
                        name => name.to_owned(),
                    }
                });
            Version { name, path }
        };
        names.into_iter().map(version).collect()
    }

    /// Whether search engines are told to leave a version out; so does askbook.
    pub(super) fn is_hidden(&self, version: &Version) -> bool {
        self.plugin.versions.get(&version.name).is_some_and(|options| options.no_index)
    }

    /// The folder of a version, from the site's.
    pub(super) fn path_of(&self, version: &Version) -> String {
        if version.name == CURRENT {
            let path = self.plugin.path.trim_end_matches('/');
            path.strip_prefix("./").unwrap_or(path).to_owned()
        } else {
            format!("{}/version-{}", self.own("versioned_docs"), version.name)
        }
    }

    /// The folder of a version's translations, from the site's.
    fn translated_path(&self, config: &Config, locale: &Locale, version: &Version) -> String {
        let id = &self.plugin.id;
        let suffix = if id == MAIN { String::new() } else { format!("-{id}") };
        let version = match version.name.as_str() {
            CURRENT => CURRENT.to_owned(),
            name => format!("version-{name}"),
        };
        let Locale { path, .. } = locale;
        format!("{}/{path}/docusaurus-plugin-content-docs{suffix}/{version}", config.translations)
    }

    /// Where the translations of a version are, if they are used.
    pub(super) fn translations(
        &self,
        site: &Path,
        config: &Config,
        locale: &Locale,
        version: &Version,
    ) -> Option<PathBuf> {
        let folder = site.join(self.translated_path(config, locale, version));
        (locale.translate != Some(false) && folder.is_dir()).then_some(folder)
    }

    pub(super) fn collection(
        &self,
        config: &Config,
        locale: &Locale,
        version: &Version,
        folder: PathBuf,
    ) -> Collection {
        let is_default = locale.name == config.default_locale;
        let base_url = locale.base_url.clone().unwrap_or_else(|| {
            let below = if is_default { "" } else { &locale.name };
            between_slashes(&format!("{}{below}", config.base_url))
        });
        let routes = Routes {
            origin: locale
                .url
                .as_ref()
                .map_or_else(|| config.url.clone(), |url| url.trim_end_matches('/').to_owned()),
            docs: with_single_slashes(&format!(
                "{base_url}/{}/{}/",
                self.plugin.route_base_path, version.path
            )),
            base_url,
            trailing_slash: config.trailing_slash,
            cuts_number_prefixes: self.plugin.cuts_number_prefixes,
        };
        let path = self.path_of(version);
        let translated_path = self.translated_path(config, locale, version);
        let prefix = match (is_default, self.plugin.id.as_str(), version.name.as_str()) {
            (true, MAIN, CURRENT) => String::new(),
            (true, ..) => format!("{path}/"),
            (false, ..) => format!("{translated_path}/"),
        };
        Collection {
            edition: Edition {
                locale: locale.name.clone(),
                version: version.name.clone(),
                url: routes.edition(),
            },
            folder,
            translations: None,
            translated_only: false,
            prefix,
            routes,
            format: config.format,
            syntax: Arc::clone(&self.syntax),
            globs: Arc::clone(&self.globs),
            assumption: self.plugin.assumption.clone(),
            sources: [format!("@site/{path}"), format!("@site/{translated_path}")],
            permalinks: Arc::clone(&self.permalinks),
            built: Arc::default(),
        }
    }
}
