//! Whole books: a small one with everything in it, a broken one, and the documentation of Redux.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use askbook_docusaurus::{Book, BookError, Reading, read};

fn book(folder: impl Into<PathBuf>) -> Book {
    Book { folder: folder.into(), site_url: None, route_base_path: None, from_build: None }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(path, text)?;
    }
    Ok(folder)
}

fn urls(reading: &Reading) -> Vec<&str> {
    reading.pages.iter().map(|page| page.url.as_str()).collect()
}

#[test]
fn a_small_site_is_read_with_its_urls_and_anchors() {
    let site = folder(&[
        ("docusaurus.config.js", "module.exports = { presets: ['classic'] }"),
        ("blog/post.md", "Not read."),
        ("docs/index.mdx", "---\ntitle: Home\nslug: /\n---\n\nWelcome to [it](./01-start/a.md)."),
        ("docs/01-start/_category_.json", r#"{"label": "Start"}"#),
        ("docs/01-start/_part.mdx", "A partial."),
        (
            "docs/01-start/README.md",
            "# Start here\n\n## Install {#get-it}\n\nDo:\n\n```sh title=\"run\"\nx\n```\n",
        ),
        ("docs/01-start/02-Über uns.md", "## Ein Ä\n\nText."),
        ("docs/01-start/draft.md", "---\ndraft: true\n---\nSecret."),
        ("docs/01-start/unlisted.md", "---\nunlisted: true\n---\nSecret."),
    ])
    .unwrap();
    let mut book = book(site.path());
    book.site_url = Some("https://a.example/base/".to_owned());
    let reading = read(&book).unwrap();

    assert_eq!(reading.findings, []);
    let base = "https://a.example/base/docs";
    let expected = ["/start/%C3%9Cber%20uns", "/start/", "/"].map(|path| format!("{base}{path}"));
    assert_eq!(urls(&reading), expected);
    let shown: Vec<_> = reading
        .passages
        .iter()
        .map(|passage| {
            let place = passage.url.as_deref().and_then(|url| url.strip_prefix(base));
            (passage.id.0.as_str(), passage.title.as_str(), place.unwrap(), passage.text.as_str())
        })
        .collect();
    let expected = [
        (
            "01-start/02-Über uns.md#ein-ä/0",
            "Über uns",
            "/start/%C3%9Cber%20uns#ein-%C3%A4",
            "Text.",
        ),
        (
            "01-start/README.md#get-it/0",
            "Start here",
            "/start/#get-it",
            "Do:\n\nrun:\n```sh\nx\n```",
        ),
        ("index.mdx#/0", "Home", "/", "Welcome to it."),
    ];
    assert_eq!(shown, expected);
    assert_eq!(read(&book).unwrap(), reading, "reading again gives the same");
}

#[test]
fn a_broken_file_is_a_finding_and_the_rest_is_read() {
    let docs = folder(&[
        ("a.md", "---\ntitle: a: b\n---\nText."),
        ("b.md", "Fine."),
        ("c.md", "Fine <b>."),
        ("d.md", "---\nslug: b\n---\nFine."),
        ("f.md", ""),
    ])
    .unwrap();
    fs::write(docs.path().join("e.md"), b"a\n\xFF").unwrap();
    let reading = read(&book(docs.path())).unwrap();
    assert_eq!(urls(&reading), ["/docs/b", "/docs/c", "/docs/f"]);
    assert_eq!(reading.passages.len(), 2);
    let findings: Vec<_> = reading.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "a.md:2: the front matter is not valid YAML: left out",
        "c.md:1: not valid MDX (end-tag-mismatch): read as CommonMark",
        "d.md: has the URL /docs/b of b.md: left out; give one of them a slug",
        "e.md:2: not UTF-8: left out; save the file as UTF-8",
    ];
    assert_eq!(findings, expected);
}

#[test]
fn a_folder_without_a_readable_page_is_refused_with_the_reason() {
    let refusal = |files: &[(&str, &str)]| {
        let docs = folder(files).unwrap();
        read(&book(docs.path())).unwrap_err()
    };
    assert!(matches!(refusal(&[("a.txt", "x"), ("_b.md", "x")]), BookError::NoPages(_)));
    assert!(matches!(
        refusal(&[("a.md", "---\ndraft: true\n---\n")]),
        BookError::AllUnpublished(_)
    ));
    assert!(matches!(
        refusal(&[
            ("docusaurus.config.js", "export default f()"),
            ("docs/a.md", "---\ndraft: true\n---\n")
        ]),
        BookError::AllUnpublished(_)
    ));
    let broken = refusal(&[("a.md", "---\n[\n---\n")]);
    assert!(broken.to_string().contains("the first problem is a.md:"), "{broken}");
    let nowhere = read(&book("nowhere-at-all")).unwrap_err();
    assert_eq!(
        nowhere.to_string(),
        "there is no folder nowhere-at-all: check the path of the book"
    );
}

#[test]
fn an_imported_page_belongs_to_the_page_that_shows_it() {
    let site = folder(&[
        ("docusaurus.config.js", "module.exports = { presets: ['classic'] }"),
        (
            "docs/a.mdx",
            "import Part from './parts/_part.mdx';\nimport Shared from '@site/shared/_all.md';\n\n\
             ## Same\n\nA.\n\n<Part />\n\n- <Shared />\n",
        ),
        ("docs/parts/_part.mdx", "import Deep from '../_deep.mdx';\n\n## Same\n\nB.\n\n<Deep />"),
        ("docs/_deep.mdx", "---\ntitle: x\n---\n## Same\n\nC."),
        ("shared/_all.md", "Shared."),
    ])
    .unwrap();
    let reading = read(&book(site.path())).unwrap();
    assert_eq!(reading.findings, []);
    assert_eq!(reading.pages[0].anchors, ["same", "same", "same"]);
    let texts: Vec<_> = reading.passages.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(texts, ["A.", "B.", "C.\n\nShared."]);
    let ids: Vec<_> = reading.passages.iter().map(|passage| passage.id.0.as_str()).collect();
    assert_eq!(ids, ["a.mdx#same/0", "a.mdx#same/1", "a.mdx#same/2"]);
}

#[test]
fn an_import_that_cannot_be_followed_is_a_finding() {
    let parent = folder(&[
        ("secret.md", "Secret."),
        ("docs/a.mdx", "import A from './_a.mdx'\n\nText.\n\n<A />"),
        ("docs/_a.mdx", "import B from './_b.mdx'\n\nIn A.\n\n<B />"),
        ("docs/_b.mdx", "import A from './_a.mdx'\n\nIn B.\n\n<A />"),
        ("docs/b.mdx", "import A from './_none.mdx'\n\nText.\n\n<A />"),
        ("docs/c.mdx", "import A from '../secret.md'\n\nText.\n\n<A />"),
        ("docs/d.mdx", "import A from 'package/a.mdx'\n\nText.\n\n<A />"),
    ])
    .unwrap();
    let reading = read(&book(parent.path().join("docs"))).unwrap();
    let findings: Vec<_> = reading.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "_b.mdx:5: imports ./_a.mdx, which imports it in turn: its text is missing",
        "b.mdx:5: imports ./_none.mdx, which does not exist: its text is missing",
        "c.mdx:5: imports ../secret.md, which lies outside the site: its text is missing",
        "d.mdx:5: imports package/a.mdx, which is in a package: its text is missing",
    ];
    assert_eq!(findings, expected);
    assert_eq!(reading.passages[0].text, "Text.\n\nIn A.\n\nIn B.");
    assert!(reading.passages.iter().all(|passage| !passage.text.contains("Secret")));
}

#[test]
fn pages_that_import_each_other_again_and_again_come_to_an_end() {
    let part = |next: usize| {
        format!("import P from './_{next}.mdx'\n\n{}\n\n<P />\n\n<P />", "word ".repeat(20_000))
    };
    let parts: Vec<_> =
        (0..30).map(|number| (format!("_{number}.mdx"), part(number + 1))).collect();
    let mut files: Vec<_> =
        parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("a.mdx", "import P from './_0.mdx'\n\n<P />"));
    let docs = folder(&files).unwrap();
    let reading = read(&book(docs.path())).unwrap();
    let what = reading.findings.iter().map(|finding| finding.what.as_str());
    assert!(what.into_iter().any(|what| what.contains("more than a page can hold")));
    let size: usize = reading.passages.iter().map(|passage| passage.text.len()).sum();
    assert!((100_000..5_000_000).contains(&size), "{size}");
}

#[test]
fn a_page_of_50_megabytes_is_left_out_and_the_rest_is_read() {
    let docs = folder(&[("a.md", "Fine.")]).unwrap();
    fs::File::create(docs.path().join("b.md")).unwrap().set_len(50 * 1024 * 1024).unwrap();
    let reading = read(&book(docs.path())).unwrap();
    assert_eq!(urls(&reading), ["/docs/a"]);
    assert_eq!(
        reading.findings[0].to_string(),
        "b.md: larger than 2 MiB: left out; split the page"
    );
}

/// The documentation of Redux, which lies beside the repository on machines that test with it.
#[test]
fn the_documentation_of_redux_is_read_without_a_finding() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/redux-docs/docs");
    if !docs.is_dir() {
        // Past the test harness, which shows what a test prints only when it fails.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {}", docs.display());
        return;
    }
    let mut book = book(docs);
    book.site_url = Some("https://redux.js.org".to_owned());
    book.route_base_path = Some("/".to_owned());
    let Reading { pages, passages, findings } = read(&book).unwrap();

    assert_eq!(findings, []);
    assert_eq!(pages.len(), 85, "all but the partial");
    let urls: HashSet<_> = pages.iter().map(|page| page.url.as_str()).collect();
    for path in [
        "/introduction/",
        "/style-guide/",
        "/tutorials/index",
        "/usage/",
        "/faq",
        "/api/applymiddleware",
        "/usage/migrations/migrating-rtk-2",
        "/tutorials/typescript-quick-start",
    ] {
        assert!(urls.contains(format!("https://redux.js.org{path}").as_str()), "{path}");
    }
    let places: HashSet<_> = passages.iter().filter_map(|passage| passage.url.as_deref()).collect();
    for place in [
        "/faq/actions#why-should-type-be-a-string-why-should-my-action-types-be-constants",
        "/style-guide/#do-not-mutate-state",
        "/api/store#dispatchaction",
    ] {
        assert!(places.contains(format!("https://redux.js.org{place}").as_str()), "{place}");
    }

    let ids: HashSet<_> = passages.iter().map(|passage| &passage.id).collect();
    assert_eq!(ids.len(), passages.len(), "ids are unique");
    for passage in &passages {
        let id = &passage.id.0;
        assert!(!passage.text.trim().is_empty(), "{id} is empty");
        let mut in_code = false;
        for line in passage.text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            if in_code || is_fence {
                assert!(!line.contains("highlight-"), "{id}: {line}");
                continue;
            }
            let leftovers = ["import ", "export ", "<Tabs", "<Detailed", "<iframe", ":::", "<!--"];
            let left = leftovers.iter().find(|left| line.trim_start().starts_with(**left));
            assert_eq!(left, None, "{id}: {line}");
            assert!(!line.contains("](.") && !line.contains("](#"), "{id}: {line}");
        }
        assert!(!in_code, "{id}: a code block is cut");
    }
}
