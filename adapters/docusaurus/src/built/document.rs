//! What a built page of docs says of itself, in its head and in the classes of its root.

use scraper::{ElementRef, Html};

use super::blocks;
use crate::markdown::Block;
use crate::route;

/// A page of docs.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its file below the build folder.
    pub(crate) file: String,
    /// Where it is served, percent-encoded.
    pub(crate) url: String,
    /// The id of the docs plugin that it comes from.
    pub(crate) plugin: String,
    /// Its language, as the site names it.
    pub(crate) locale: String,
    /// Its version, as the site names it.
    pub(crate) version: String,
    /// Its id within the version; empty for a generated list of pages.
    pub(crate) id: String,
    /// What its window is called: its title and the site's.
    pub(crate) window_title: String,
    /// Whether it is in the site's own language.
    pub(crate) is_original: bool,
    /// Whether it is a page that readers may be sent to: not a generated list, not unlisted.
    pub(crate) is_listed: bool,
    /// Its content.
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    /// Reads a page; `None` when it is no page of docs.
    pub(crate) fn read(file: String, html: &str, site_url: Option<&str>) -> Option<Self> {
        let html = Html::parse_document(html);
        let root = html.root_element();
        let head = Head::of(root);
        let version = head.meta("docusaurus_version")?;
        let plugin = head
            .meta("docusaurus_tag")?
            .strip_prefix("docs-")?
            .strip_suffix(version)?
            .strip_suffix('-')?;
        let canonical = head.link(|link| link.attr("rel") == Some("canonical"));
        let translated = head.link(|link| link.attr("hreflang") == Some("x-default"));
        let is_hidden = head.meta("robots").is_some_and(|robots| robots.contains("noindex"));
        let id = root.attr("class").and_then(|classes| classes.split_once("docs-doc-id-"));
        let id = id.map_or("", |(_, id)| id);
        let article = if id.is_empty() { None } else { article(root) };
        Some(Self {
            url: url(&file, canonical, site_url),
            plugin: plugin.to_owned(),
            locale: head.meta("docusaurus_locale").unwrap_or_default().to_owned(),
            version: version.to_owned(),
            id: id.to_owned(),
            window_title: head.title(),
            is_original: translated.is_none_or(|original| Some(original) == canonical),
            is_listed: article.is_some() && !is_hidden,
            blocks: article.map(blocks::of).unwrap_or_default(),
            file,
        })
    }

    /// The text of its first heading when that is of the first level.
    pub(crate) fn first_heading(&self) -> Option<&str> {
        self.blocks.iter().find_map(|block| match block {
            Block::Heading(heading) if heading.depth == 1 => Some(heading.text.as_str()),
            _ => None,
        })
    }
}

/// The elements that say something about a page.
struct Head<'a> {
    elements: Vec<ElementRef<'a>>,
}

impl<'a> Head<'a> {
    fn of(root: ElementRef<'a>) -> Self {
        let head = root.child_elements().find(|element| element.value().name() == "head");
        Self { elements: head.into_iter().flat_map(|head| head.child_elements()).collect() }
    }

    fn meta(&self, name: &str) -> Option<&'a str> {
        self.elements.iter().find(|meta| meta.attr("name") == Some(name))?.attr("content")
    }

    fn link(&self, is_wanted: impl Fn(&ElementRef<'a>) -> bool) -> Option<&'a str> {
        self.elements.iter().find(|link| is_wanted(link))?.attr("href")
    }

    fn title(&self) -> String {
        let title = self.elements.iter().find(|element| element.value().name() == "title");
        title.map(|title| title.text().collect::<String>()).unwrap_or_default()
    }
}

/// The content of a page without what is around it. A site may have replaced the component that
/// names it.
fn article(root: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let with_class = |class| {
        root.descendent_elements()
            .find(|element| element.value().classes().any(|other| other == class))
    };
    let named = |name| root.descendent_elements().find(|element| element.value().name() == name);
    with_class("theme-doc-markdown").or_else(|| named("article")).or_else(|| named("main"))
}

/// Where a page is served: as it says itself, or below another address as its file lies below
/// the build folder.
fn url(file: &str, canonical: Option<&str>, site_url: Option<&str>) -> String {
    match (canonical, site_url) {
        (Some(canonical), None) => {
            let path_start = canonical.find("://").map_or(0, |scheme| scheme + 3);
            let path_start =
                canonical[path_start..].find('/').map_or(canonical.len(), |at| path_start + at);
            let (origin, path) = canonical.split_at(path_start);
            format!("{origin}{}", route::escaped(path))
        }
        (canonical, site_url) => {
            let site = site_url.unwrap_or_default().trim().trim_end_matches('/');
            let path = file.strip_suffix(".html").unwrap_or(file);
            let path = match path.rsplit_once('/') {
                Some((folder, "index")) => folder,
                None if path == "index" => "",
                _ => path,
            };
            let ends_in_slash = canonical.is_none_or(|canonical| canonical.ends_with('/'));
            let slash = if ends_in_slash && !path.is_empty() { "/" } else { "" };
            format!("{site}/{}{slash}", route::escaped(path))
        }
    }
}
