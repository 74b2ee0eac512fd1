//! The anchors of headings, against lists of what Docusaurus 3.10 makes of a page.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use askbook_docusaurus::{Book, Page, read};
use percent_encoding::percent_decode_str;

/// The anchors in a list of lines `LEVEL\tANCHOR\t…`, where `-` stands for none.
fn listed(list: &str) -> Vec<&str> {
    let anchors = list.lines().filter_map(|line| line.split('\t').nth(1));
    anchors.filter(|anchor| *anchor != "-").collect()
}

/// What is read of a page that may import a partial.
fn page(text: &str, partial: &str) -> Result<Page, Box<dyn Error>> {
    let docs = tempfile::tempdir()?;
    fs::write(docs.path().join("page.mdx"), text)?;
    fs::write(docs.path().join("_partial.mdx"), partial)?;
    let folder = docs.path().to_owned();
    let book = Book { folder, site_url: None, route_base_path: None, from_build: None };
    let mut reading = read(&book)?;
    assert_eq!(reading.findings, []);
    let anchors = &reading.pages[0].anchors;
    for url in reading.passages.iter().filter_map(|passage| passage.url.as_deref()) {
        let anchor = url.split_once('#').map(|(_, anchor)| anchor).unwrap_or_default();
        let anchor = percent_decode_str(anchor).decode_utf8_lossy();
        assert!(anchor.is_empty() || anchors.iter().any(|known| *known == anchor), "{url}");
    }
    Ok(reading.pages.remove(0))
}

#[test]
fn every_rule_for_anchors_is_kept() {
    let page =
        page(include_str!("headings/page.mdx"), include_str!("headings/_partial.mdx")).unwrap();
    assert_eq!(page.anchors, listed(include_str!("headings/anchors.tsv")));
}

/// A list made with Docusaurus, which lies beside the repository on machines that test with it.
#[test]
fn the_reference_of_46_headings_is_met() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let Ok(text) = fs::read_to_string(folder.join("docusaurus-headings.mdx")) else {
        // Past the test harness, which shows what a test prints only when it fails.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {}", folder.display());
        return;
    };
    let list = fs::read_to_string(folder.join("docusaurus-headings.tsv")).unwrap();
    assert_eq!(list.lines().count(), 46);
    let page = page(&text, "## Hello World\n\n## Partial only\n").unwrap();
    assert_eq!(page.anchors, listed(&list));
}
