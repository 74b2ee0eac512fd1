use std::fs;

use super::*;
use crate::Book;
use crate::site::Site;

/// A folder with these files; what is in them does not matter.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

fn found(folder: &Path) -> (Vec<String>, Vec<Finding>) {
    let mut findings = Vec::new();
    let book =
        Book { folder: folder.to_owned(), site_url: None, route_base_path: None, from_build: None };
    let site = Site::open(&book, &mut findings).unwrap();
    let files = site
        .collections
        .iter()
        .flat_map(|collection| find(collection, &site.roots, &mut findings))
        .map(|file| file.relative);
    (files.collect(), findings)
}

const CLASSIC: &str = "module.exports = { presets: ['classic'] }";

fn loaded(content: &[u8]) -> Result<String, (Option<usize>, String)> {
    let folder = folder(&[]);
    let path = folder.path().join("a.md");
    fs::write(&path, content).unwrap();
    load(&path, "a.md").map_err(|finding| (finding.line, finding.what))
}

#[test]
fn pages_are_md_and_mdx_files_by_name() {
    let folder =
        folder(&["b.mdx", "a/z.md", "a/_category_.json", "c.MD", "d.txt", "tools.test.md"]);
    let expected = ["a/z.md", "b.mdx", "tools.test.md"];
    assert_eq!(found(folder.path()), (expected.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn partials_tests_and_hidden_files_are_no_pages() {
    let names = ["_a.md", "_b/c.md", "d/__tests__/e.md", ".f.md", ".g/h.md", "i/j.md"];
    assert_eq!(found(folder(&names).path()).0, ["i/j.md"]);
}

#[test]
fn a_book_may_lie_in_a_folder_that_would_be_left_out_inside_one() {
    let folder = folder(&["_docs/a.md"]);
    assert_eq!(found(&folder.path().join("_docs")).0, ["a.md"]);
}

#[cfg(unix)]
#[test]
fn a_link_in_a_circle_and_a_dead_link_are_findings() {
    let folder = folder(&["a/b.md"]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    std::os::unix::fs::symlink("nowhere.md", folder.path().join("dead.md")).unwrap();
    let (files, findings) = found(folder.path());
    assert_eq!(files, ["a/b.md"]);
    let files: Vec<_> = findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["a/up", "dead.md"]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_site_is_a_finding_and_one_within_is_followed() {
    let outside = folder(&["c.md", "d/e.md"]);
    let folder = folder(&["docusaurus.config.js", "docs/a.md", "shared/f/g.md"]);
    fs::write(folder.path().join("docusaurus.config.js"), CLASSIC).unwrap();
    let link = |to: &Path, name| {
        std::os::unix::fs::symlink(to, folder.path().join("docs").join(name)).unwrap();
    };
    link(&outside.path().join("c.md"), "c.md");
    link(&outside.path().join("d"), "d");
    link(&folder.path().join("shared/f"), "f");
    let (files, findings) = found(folder.path());
    assert_eq!(files, ["a.md", "f/g.md"]);
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let what = "a link that leads out of the site: left out; copy what it leads to";
    assert_eq!(findings, [format!("c.md: {what}"), format!("d: {what}")]);
}

#[test]
fn a_site_may_have_patterns_of_its_own() {
    let names = ["a.md", "_b.md", "c/d.md", "c/old/e.md", "f.draft.md", "g.MD", ".h.md"];
    let folder = folder(&names.map(|name| format!("docs/{name}")).each_ref().map(String::as_str));
    let config = "module.exports = { presets: [['classic', { docs: {
        include: ['**/*.md', '!a.md'], exclude: ['**/*.draft.md', '**/old/**'] } }]] }";
    fs::write(folder.path().join("docusaurus.config.js"), config).unwrap();
    assert_eq!(found(folder.path()), (vec!["_b.md".to_owned(), "c/d.md".to_owned()], vec![]));
}

#[test]
fn line_breaks_and_byte_order_marks_are_made_uniform() {
    assert_eq!(loaded(b"\xEF\xBB\xBFa\r\nb\n"), Ok("a\nb\n".to_owned()));
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_with_its_line() {
    assert_eq!(loaded(b"a\nb\n\xFF").unwrap_err().0, Some(3));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let limit = usize::try_from(PAGE_LIMIT).unwrap();
    assert!(loaded(&vec![b'a'; limit]).is_ok());
    let (_, what) = loaded(&vec![b'a'; limit + 1]).unwrap_err();
    assert_eq!(what, "larger than 2 MiB: left out; split the page");
}

#[test]
fn a_file_nested_without_end_is_refused_with_its_line() {
    for deep in [">".repeat(200), "- ".repeat(200), "1. > ".repeat(60)] {
        assert_eq!(loaded(format!("a\n{deep}").as_bytes()).unwrap_err().0, Some(2), "{deep}");
    }
    for flat in ["-".repeat(500), "*".repeat(500), "> ".repeat(50), "a > ".repeat(200)] {
        assert!(loaded(flat.as_bytes()).is_ok(), "{flat}");
    }
}
