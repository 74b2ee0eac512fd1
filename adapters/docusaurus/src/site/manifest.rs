//! What `docusaurus-plugin-askbook` wrote down of the site's last build (`web/docusaurus`,
//! `manifest.ts`): a file for each language. Unlike what Docusaurus leaves behind, it is about all
//! languages, and about each page as it was after all that a site may do to it with code of its own.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::generated::Permalink;
use crate::Finding;

/// The folder that `docusaurus build` writes to, unless it is told to use another one.
const BUILD: &str = "build";
const NAME: &str = "askbook.json";

/// What manifests are understood.
const FORMAT: u32 = 1;

/// The docs of a site in one language.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) locale: String,
    base_url: String,
    versions: Vec<Version>,
}

/// The pages of one version of one docs plugin.
#[derive(Debug, Deserialize)]
struct Version {
    plugin: String,
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
struct Page {
    permalink: String,
    title: String,
    file: String,
    digest: String,
}

impl Manifest {
    /// The manifests of the build that lies in a site's folder.
    pub(super) fn all(site: &Path, findings: &mut Vec<Finding>) -> Vec<Self> {
        let build = site.join(BUILD);
        let mut folders: Vec<PathBuf> = fs::read_dir(&build)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        folders.sort_unstable();
        folders.insert(0, build);
        let mut manifests = Vec::new();
        for folder in folders {
            let file = folder.join(NAME);
            let Ok(json) = fs::read(&file) else { continue };
            match serde_json::from_slice(&json) {
                Ok(Self { format, .. }) if format != FORMAT => {}
                Ok(manifest) => {
                    manifests.push(manifest);
                    continue;
                }
                Err(_) => {}
            }
            let name = file.strip_prefix(site).unwrap_or(&file).to_string_lossy().into_owned();
            let what = "is no manifest that this askbook can read, and not used: build the site \
                        with a docusaurus-plugin-askbook that fits it";
            findings.push(Finding::new(name, None, what));
        }
        manifests
    }

    /// The permalinks of a docs plugin, by the file's path (`@site/docs/a.md`).
    pub(super) fn permalinks(&self, plugin: &str) -> HashMap<String, Permalink> {
        let versions = self.versions.iter().filter(|version| version.plugin == plugin);
        let permalink = |page: &Page| {
            let path = page.permalink.strip_prefix(&self.base_url)?.to_owned();
            let permalink = Permalink::built(path, page.title.clone(), page.digest.clone());
            Some((format!("@site/{}", page.file), permalink))
        };
        versions.flat_map(|version| &version.pages).filter_map(permalink).collect()
    }
}
