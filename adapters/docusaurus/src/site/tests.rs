use askbook::passage::Edition;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::read;

/// A site with these files.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn book(folder: &Path) -> Book {
    Book { folder: folder.to_owned(), site_url: None, route_base_path: None, from_build: None }
}

/// The files of the pages with their URLs, and the findings.
fn pages(book: &Book) -> (Vec<(String, String)>, Vec<String>) {
    let reading = read(book).unwrap();
    let pages = reading.pages.into_iter().map(|page| (page.file, page.url)).collect();
    (pages, reading.findings.iter().map(ToString::to_string).collect())
}

fn check(folder: &Path, expected: &[(&str, &str)]) {
    let owned = |(file, url): &(&str, &str)| ((*file).to_owned(), (*url).to_owned());
    assert_eq!(pages(&book(folder)), (expected.iter().map(owned).collect(), vec![]));
}

/// A configuration with the classic preset: settings of the site and of its docs.
fn classic(settings: &str, docs: &str) -> String {
    format!(
        "export default {{ url: 'https://a.example', baseUrl: '/b/', {settings}
          presets: [['classic', {{ docs: {{ {docs} }} }}]] }}"
    )
}

#[test]
fn the_configuration_says_where_pages_are() {
    let folder = site(&[
        (
            "docusaurus.config.ts",
            &classic("trailingSlash: true,", "routeBasePath: '/', path: 'text'"),
        ),
        ("text/a.md", "A."),
        ("text/index.md", "Home."),
        ("docs/no.md", "Not read."),
    ]);
    check(
        folder.path(),
        &[("a.md", "https://a.example/b/a/"), ("index.md", "https://a.example/b/")],
    );
}

#[test]
fn what_the_owner_says_wins() {
    let folder = site(&[
        ("docusaurus.config.js", &classic("", "routeBasePath: 'x', numberPrefixParser: false")),
        ("docs/01-a.md", "A."),
    ]);
    let mut book = book(folder.path());
    book.site_url = Some("https://mirror.example/c".to_owned());
    book.route_base_path = Some("/read/".to_owned());
    let expected = ("01-a.md".to_owned(), "https://mirror.example/c/read/01-a".to_owned());
    assert_eq!(pages(&book), (vec![expected], vec![]));
}

#[test]
fn versions_are_served_below_their_names_and_the_last_one_at_the_root() {
    let files = [
        ("docs/a.md", "New."),
        ("versions.json", r#"["2.0", "1.0"]"#),
        ("versioned_docs/version-2.0/a.md", "Now."),
        ("versioned_docs/version-1.0/a.md", "Then."),
    ];
    let with = |docs: &str| {
        let folder = site(&files);
        fs::write(folder.path().join("docusaurus.config.js"), classic("", docs)).unwrap();
        folder
    };
    let (new, now, then) =
        ("a.md", "versioned_docs/version-2.0/a.md", "versioned_docs/version-1.0/a.md");
    let url = |path: &str| format!("https://a.example/b/docs{path}/a");
    check(with("").path(), &[(new, &url("/next")), (now, &url("")), (then, &url("/1.0"))]);
    check(
        with("lastVersion: 'current', versions: { '1.0': { path: 'old' }, '2.0': { noIndex: true } }")
            .path(),
        &[(new, &url("")), (then, &url("/old"))],
    );
    check(
        with("includeCurrentVersion: false, onlyIncludeVersions: ['1.0']").path(),
        &[(then, &url(""))],
    );
    check(with("disableVersioning: true").path(), &[(new, &url(""))]);
}

#[test]
fn passages_of_several_editions_say_which_one_is_theirs() {
    let folder = site(&[
        (
            "docusaurus.config.js",
            &classic("i18n: { defaultLocale: 'en', locales: ['en', 'ur'] },", "routeBasePath: '/'"),
        ),
        ("versions.json", r#"["1.0"]"#),
        ("docs/a.md", "A."),
        ("versioned_docs/version-1.0/a.md", "A."),
        ("i18n/ur/docusaurus-plugin-content-docs/version-1.0/a.md", "Alif."),
    ]);
    let editions: Vec<_> = read(&book(folder.path()))
        .unwrap()
        .passages
        .into_iter()
        .map(|passage| {
            let Edition { locale, version, url } = passage.edition.unwrap();
            format!("{locale} {version} {url}")
        })
        .collect();
    let expected = [
        "en current https://a.example/b/next",
        "en 1.0 https://a.example/b",
        "ur 1.0 https://a.example/b/ur",
    ];
    assert_eq!(editions, expected);
}

#[test]
fn only_what_is_translated_is_read_again_in_another_language() {
    let i18n = "i18n: { defaultLocale: 'en', locales: ['en', 'fr', 'ur'], localeConfigs: {
        fr: { path: 'fr-CH', url: 'https://b.example', baseUrl: '/' }, ur: { translate: false } } },";
    let french = "i18n/fr-CH/docusaurus-plugin-content-docs/current";
    let folder = site(&[
        ("docusaurus.config.js", &classic(i18n, "")),
        ("docs/a.md", "A."),
        ("docs/b.md", "B."),
        ("docs/c.md", "C."),
        ("i18n/en/docusaurus-plugin-content-docs/current/c.md", "---\nslug: z\n---\nZ."),
        (&format!("{french}/b.md"), "---\nslug: be\n---\nBé."),
        (&format!("{french}/c.md"), "---\ndraft: true\n---\nCé."),
        (&format!("{french}/none.md"), "No original."),
        ("i18n/ur/docusaurus-plugin-content-docs/current/a.md", "Not used."),
    ]);
    check(
        folder.path(),
        &[
            ("a.md", "https://a.example/b/docs/a"),
            ("b.md", "https://a.example/b/docs/b"),
            ("c.md", "https://a.example/b/docs/z"),
            (&format!("{french}/b.md"), "https://b.example/docs/be"),
        ],
    );
}

#[test]
fn every_docs_plugin_has_its_own_folders() {
    let config = "module.exports = { url: 'https://a.example', baseUrl: '/', presets: [
        ['@docusaurus/preset-classic', { docs: false }]], plugins: [
        ['@docusaurus/plugin-content-docs', { id: 'team', path: './team', routeBasePath: 't' }],
        ['content-docs', { path: 'docs' }], 'other'] }";
    let folder = site(&[
        ("docusaurus.config.js", config),
        ("team/a.md", "A."),
        ("team_versions.json", r#"["1"]"#),
        ("team_versioned_docs/version-1/a.md", "A."),
        ("docs/a.md", "A."),
        ("docs/team/a.md", "Another."),
    ]);
    check(
        folder.path(),
        &[
            ("a.md", "https://a.example/docs/a"),
            ("team/a.md", "https://a.example/docs/team/a"),
            ("@site/team/a.md", "https://a.example/t/next/a"),
            ("team_versioned_docs/version-1/a.md", "https://a.example/t/a"),
        ],
    );
}

#[test]
fn what_only_running_the_configuration_could_tell_is_a_finding() {
    let config = "const base = process.env.BASE || '/x/';\nexport default {\n  url: f(),\n  \
                  baseUrl: base,\n  presets: [['classic', { docs: { routeBasePath: route(), \
                  numberPrefixParser: parse } }]] }";
    let folder = site(&[("docusaurus.config.mjs", config), ("docs/1-a.md", "A.")]);
    let assumed = "cannot be told without running this";
    let name = "docusaurus.config.mjs";
    let expected = [
        format!("{name}:3: url {assumed}: the default is assumed; set ASKBOOK_SITE_URL"),
        format!("{name}:1: baseUrl {assumed}: '/x/' is assumed; set ASKBOOK_SITE_URL"),
        format!(
            "{name}:5: routeBasePath {assumed}: the default is assumed; set ASKBOOK_ROUTE_BASE_PATH"
        ),
        format!(
            "{name}:5: numberPrefixParser cannot be run: the default is assumed; build the site \
             once, then .docusaurus says it"
        ),
    ];
    let found = pages(&book(folder.path()));
    assert_eq!(found, (vec![("1-a.md".to_owned(), "/x/docs/a".to_owned())], expected.to_vec()));

    let mut said = book(folder.path());
    said.site_url = Some("https://a.example/y/".to_owned());
    said.route_base_path = Some("docs".to_owned());
    let (found, findings) = pages(&said);
    assert_eq!(found[0].1, "https://a.example/y/docs/a");
    assert_eq!(findings, expected[3..]);
}

#[test]
fn what_a_manifest_says_of_all_pages_need_not_be_assumed() {
    let config = "export default { url: 'https://a.example', baseUrl: '/', presets: [['classic', \
                  { docs: { numberPrefixParser: parse } }]] }";
    let digest: String = Sha256::digest("A.").iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!(
        r#"{{"format": 1, "locale": "en", "baseUrl": "/", "versions": [{{"plugin": "default",
        "name": "current", "pages": [{{"permalink": "/docs/first", "title": "First",
        "file": "docs/ch1-a.md", "digest": "{digest}"}}]}}]}}"#
    );
    let folder = site(&[
        ("docusaurus.config.js", config),
        ("docs/ch1-a.md", "A."),
        ("build/askbook.json", &manifest),
    ]);
    check(folder.path(), &[("ch1-a.md", "https://a.example/docs/first")]);

    fs::write(folder.path().join("docs/ch2-b.md"), "B.").unwrap();
    let (_, findings) = pages(&book(folder.path()));
    let expected = "docusaurus.config.js:1: numberPrefixParser cannot be run: the default is \
                    assumed; build the site once, then .docusaurus says it";
    assert_eq!(findings, [expected]);
}

#[test]
fn a_configuration_that_cannot_be_followed_is_a_finding() {
    for (config, problem) in [
        ("export default {", ": it is not valid JavaScript"),
        ("\nexport default make(1)", ":2: it computes what it exports"),
    ] {
        let folder = site(&[("docusaurus.config.js", config), ("docs/a.md", "A.")]);
        let expected = format!(
            "docusaurus.config.js{problem}: the defaults of Docusaurus are assumed; set \
             ASKBOOK_SITE_URL and ASKBOOK_ROUTE_BASE_PATH, or build the site once"
        );
        let found = pages(&book(folder.path()));
        assert_eq!(found, (vec![("a.md".to_owned(), "/docs/a".to_owned())], vec![expected]));
    }
}

#[test]
fn the_docs_folder_of_a_site_is_read_with_a_hint() {
    let folder = site(&[("docusaurus.config.js", &classic("", "")), ("docs/a.md", "A.")]);
    let (found, findings) = pages(&book(&folder.path().join("docs")));
    assert_eq!(found, [("a.md".to_owned(), "/docs/a".to_owned())]);
    let expected = "../docusaurus.config.js: lies beside this folder and is not read: give the \
                    site's folder to have its URLs, versions and languages";
    assert_eq!(findings, [expected]);
}

#[test]
fn what_docusaurus_generated_wins_while_it_is_fresh() {
    let folder = site(&[
        ("docusaurus.config.js", "export default f()"),
        (
            ".docusaurus/docusaurus.config.mjs",
            "/* generated */\nexport default { \"url\": \"https://c.example\", \"baseUrl\": \
             \"/ur/\", \"trailingSlash\": true, \"presets\": [[\"classic\", {\"docs\": {}}]] };\n",
        ),
        (
            ".docusaurus/i18n.json",
            r#"{"defaultLocale": "en", "locales": ["en", "ur"], "path": "i18n", "currentLocale": "en",
            "localeConfigs": {"en": {"path": "en", "translate": false, "url": "https://a.example", "baseUrl": "/"},
            "ur": {"path": "ur", "translate": true, "url": "https://a.example", "baseUrl": "/ur/"}}}"#,
        ),
        (
            ".docusaurus/docusaurus-plugin-content-docs/default/site-docs-a-md-1.json",
            r#"{"source": "@site/docs/a.md", "permalink": "/docs/computed", "frontMatter": {}}"#,
        ),
        (
            ".docusaurus/docusaurus-plugin-content-docs/default/site-docs-b-md-2.json",
            r#"{"source": "@site/docs/b.md", "permalink": "/docs/stale", "frontMatter": {"slug": "stale"}}"#,
        ),
        ("docs/a.md", "A."),
        ("docs/b.md", "---\nslug: fresh\n---\nB."),
        ("i18n/ur/docusaurus-plugin-content-docs/current/a.md", "Alif."),
    ]);
    check(
        folder.path(),
        &[
            ("a.md", "https://a.example/docs/computed/"),
            ("b.md", "https://a.example/docs/fresh/"),
            ("i18n/ur/docusaurus-plugin-content-docs/current/a.md", "https://a.example/ur/docs/a/"),
        ],
    );
    let mut mirrored = book(folder.path());
    mirrored.site_url = Some("/m/".to_owned());
    let urls: Vec<_> = pages(&mirrored).0.into_iter().map(|(_, url)| url).collect();
    assert_eq!(urls, ["/m/docs/computed/", "/m/docs/fresh/", "/m/ur/docs/a/"]);
}

#[test]
fn what_is_no_book_is_refused_with_what_to_do() {
    let folder = site(&[
        ("a.md", "x"),
        ("site/docusaurus.config.js", &classic("", "path: 'texts'")),
        ("blog/docusaurus.config.js", "export default { presets: [['classic', { docs: false }]] }"),
    ]);
    let refused = |name: &str| read(&book(&folder.path().join(name))).unwrap_err().to_string();
    assert!(refused("nowhere").starts_with("there is no folder "));
    assert!(
        refused("a.md").ends_with(" is not a folder: give the docs folder of the book, not a file")
    );
    assert!(refused("site").contains("a Docusaurus site without docs (looked for texts)"));
    assert!(refused("blog").contains("without docs (its configuration has no docs plugin)"));
}
