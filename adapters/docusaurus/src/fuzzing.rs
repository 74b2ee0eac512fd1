//! What the fuzz targets reach of the parsers of this crate.

use std::path::Path;

use askbook::passage::Passage;

use crate::built::document::Document;
use crate::front_matter::FrontMatter;
use crate::route::{self, Routes};
use crate::site::config::{Format, between_slashes};
use crate::site::script;
use crate::source::Syntax;
use crate::{Page, files, markdown, passages};

/// A page that was read, and what was found wrong with it.
pub type Read = (Page, Vec<Passage>, Vec<String>);

/// The page in a file below `docs`, which holds these bytes; `None` when it is left out.
pub fn page(file: &str, bytes: Vec<u8>) -> Option<Read> {
    let text = files::text(bytes, file).ok()?;
    let (front_matter, body) = FrontMatter::split(&text).ok()?;
    let dialect = front_matter.format.unwrap_or(Format::Detect).dialect(file);
    let imports = |file: &str| Err(format!("no {file}"));
    let document = markdown::parse(&body, dialect, &Syntax::default(), &imports).ok()?;
    let page = Page {
        title: passages::page_title(&front_matter, &body, &document.blocks, || file.to_owned()),
        url: routes("/").url(file, &front_matter),
        anchors: markdown::anchors(&document.blocks),
        edition: None,
        file: file.to_owned(),
    };
    let passages = passages::cut(&page, &document.blocks);
    Some((page, passages, document.problems.into_iter().map(|(_, what)| what).collect()))
}

/// The page in a built file; `None` when it is none of docs.
pub fn built(file: &str, html: &str) -> Option<Read> {
    let document = Document::read(file.to_owned(), html, None)?;
    let page = Page {
        title: document.window_title,
        url: document.url,
        anchors: markdown::anchors(&document.blocks),
        edition: None,
        file: document.file,
    };
    let passages = passages::cut(&page, &document.blocks);
    Some((page, passages, Vec::new()))
}

/// Where a file is served that says this of itself, and a place on its page.
pub fn url(base: &str, file: &str, slug: Option<&str>, id: Option<&str>, anchor: &str) -> String {
    let [slug, id] = [slug, id].map(|text| text.map(str::to_owned));
    let front_matter = FrontMatter { slug, id, ..FrontMatter::default() };
    route::with_anchor(&routes(base).url(file, &front_matter), Some(anchor))
}

/// Whether it can be followed what a configuration exports.
pub fn configuration(text: &str) -> bool {
    script::exported(text, "ts", Path::new("no such folder")).is_ok()
}

fn routes(base: &str) -> Routes {
    let base_url = between_slashes(base);
    Routes {
        origin: "https://book.example".to_owned(),
        docs: format!("{base_url}docs/"),
        base_url,
        trailing_slash: None,
        cuts_number_prefixes: true,
    }
}
