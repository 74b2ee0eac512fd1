//! What is read of a Docusaurus site against what Docusaurus builds of it: the sites below
//! `tests/site`, in which there is a page for each of its rules. `tests/site/build` builds them;
//! with `DOCUSAURUS_SITES=required` it is a failure when that was not done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use askbook_docusaurus::{Book, Page, Reading, read};
use percent_encoding::percent_decode_str;
use scraper::{ElementRef, Html};
use walkdir::WalkDir;

/// A site below `tests/site`, and what its configuration says.
struct Site {
    name: &'static str,
    /// The URLs of its languages, each with the folder below `build` in which its files are; that
    /// of its own language first.
    roots: &'static [(&'static str, &'static str)],
    trailing_slash: Option<bool>,
}

const SITES: [Site; 3] = [
    Site {
        name: "library",
        roots: &[("https://library.example/", ""), ("https://library.example/ur/", "ur/")],
        trailing_slash: None,
    },
    Site {
        name: "manual",
        roots: &[("https://manual.example/manual/", "")],
        trailing_slash: Some(true),
    },
    Site {
        name: "notes",
        roots: &[
            ("https://notes.example/team/notes/", ""),
            ("https://notes.example/equipe/", "equipe/"),
            ("https://notes.example/team/notes/it/", "it/"),
        ],
        trailing_slash: Some(false),
    },
];

/// A site that decides by code of its own where its pages are.
const HOOKS: Site = Site {
    name: "hooks",
    roots: &[("https://hooks.example/h/", ""), ("https://hooks.example/h/fr/", "fr/")],
    trailing_slash: None,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[test]
fn everything_read_from_the_sources_is_in_the_built_site_and_the_other_way_round() {
    let differences = each_built_site(|site, folder| {
        let copy = tempfile::tempdir()?;
        copy_sources(folder, copy.path())?;
        let reading = read_book(copy.path(), None)?;
        Ok(site.differences("its sources", &reading, &BuiltSite::of(site, folder)?))
    });
    assert_eq!(differences.unwrap(), "");
}

#[test]
fn what_docusaurus_left_of_its_last_build_changes_nothing() {
    let differences = each_built_site(|site, folder| {
        assert!(folder.join(".docusaurus").is_dir(), "{}", folder.display());
        let reading = read_book(folder, None)?;
        Ok(site.differences("its sources and .docusaurus", &reading, &BuiltSite::of(site, folder)?))
    });
    assert_eq!(differences.unwrap(), "");
}

#[test]
fn the_built_site_gives_the_pages_and_anchors_of_its_sources() {
    let differences = each_built_site(|site, folder| {
        let from_build = read_book(folder, Some(folder.join("build")))?;
        let built = BuiltSite::of(site, folder)?;
        let mut differences = site.differences("its built HTML", &from_build, &built);
        let copy = tempfile::tempdir()?;
        copy_sources(folder, copy.path())?;
        let from_sources = pages(&read_book(copy.path(), None)?);
        let from_build = pages(&from_build);
        for page in from_build.symmetric_difference(&from_sources) {
            let side = if from_build.contains(page) { "its HTML" } else { "its sources" };
            differences.push(format!("only from {side}: {page}"));
        }
        Ok(differences)
    });
    assert_eq!(differences.unwrap(), "");
}

/// A site with code of its own can only be read by the manifest of `docusaurus-plugin-askbook`.
#[test]
fn a_manifest_gives_what_the_code_of_a_site_decides() {
    let folder = sites().join("hooks");
    if !is_built(&folder).unwrap() {
        return;
    }
    let built = BuiltSite::of(&HOOKS, &folder).unwrap();
    let copy = tempfile::tempdir().unwrap();
    copy_sources(&folder, copy.path()).unwrap();
    let differences = |source: &str| {
        let mut reading = read_book(copy.path(), None).unwrap();
        reading.pages.sort_by(|a, b| a.url.cmp(&b.url));
        let titles: Vec<_> = reading.pages.iter().map(|page| page.title.clone()).collect();
        (HOOKS.differences(source, &reading, &built), titles)
    };

    let (without, titles) = differences("its sources");
    let astray = without.iter().filter(|line| line.ends_with("is not served")).count();
    assert_eq!(astray, 5, "{}", without.join("\n"));
    assert!(!titles.contains(&"How to start".to_owned()));

    for below in ["", "fr/"] {
        let file = format!("build/{below}askbook.json");
        fs::create_dir_all(copy.path().join(format!("build/{below}"))).unwrap();
        fs::copy(folder.join(&file), copy.path().join(&file)).unwrap();
    }
    let (with, titles) = differences("its sources and the manifest");
    assert_eq!(with.join("\n"), "");
    let expected = ["Words", "Sentences", "Plain", "How to start", "Mots", "Pour commencer"];
    assert_eq!(titles, expected);

    // A page that was edited since is read by the rules, and no other one is.
    let page = copy.path().join("docs/ch01-basics/ch02-words.md");
    fs::write(&page, "# Words\r\n\r\nEdited.\r\n").unwrap();
    let (edited, _) = differences("its edited sources and the manifest");
    assert!(edited.iter().all(|line| line.contains("words")), "{}", edited.join("\n"));
    assert!(!edited.is_empty());
    fs::write(copy.path().join("build/askbook.json"), "{}").unwrap();
    let findings = read_book(copy.path(), None).unwrap().findings;
    let finding = findings.iter().find(|finding| finding.file == "build/askbook.json").unwrap();
    assert!(finding.what.contains("is no manifest that this askbook can read"), "{finding}");
}

/// What must not depend on where a site is read from: URL, anchors and edition of each page.
fn pages(reading: &Reading) -> BTreeSet<String> {
    let of = |page: &Page| format!("{} {:?} {:?}", page.url, page.anchors, page.edition);
    reading.pages.iter().map(of).collect()
}

/// The differences that are found in the built sites, one a line. There are none, visibly, when
/// `tests/site/build` did not run.
fn each_built_site(compare: impl Fn(&Site, &Path) -> Result<Vec<String>>) -> Result<String> {
    let mut differences = Vec::new();
    for site in &SITES {
        let folder = sites().join(site.name);
        if is_built(&folder)? {
            differences.extend(compare(site, &folder)?);
        }
    }
    Ok(differences.join("\n"))
}

fn sites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/site")
}

/// Whether a site is built; says it when it is not and need not be.
fn is_built(folder: &Path) -> Result<bool> {
    if folder.join("build").is_dir() {
        return Ok(true);
    }
    let reason = format!("{} is not built: run tests/site/build", folder.display());
    if std::env::var_os("DOCUSAURUS_SITES").is_some() {
        return Err(reason.into());
    }
    print(&format!("SKIPPED: {reason}"));
    Ok(false)
}

fn read_book(folder: &Path, from_build: Option<PathBuf>) -> Result<Reading> {
    let folder = folder.to_owned();
    Ok(read(&Book { folder, site_url: None, route_base_path: None, from_build })?)
}

/// Copies what is committed of a site.
fn copy_sources(site: &Path, copy: &Path) -> Result<()> {
    let is_generated =
        |name: &str| matches!(name, "build" | ".docusaurus" | ".docusaurus.log" | "node_modules");
    let entries = WalkDir::new(site).into_iter().filter_entry(|entry| {
        entry.depth() != 1 || !entry.file_name().to_str().is_some_and(is_generated)
    });
    for entry in entries {
        let entry = entry?;
        let target = copy.join(entry.path().strip_prefix(site)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A page of docs as Docusaurus wrote it.
#[derive(Default)]
struct BuiltPage {
    url: String,
    /// Every `id` in it.
    ids: BTreeSet<String>,
    /// The ids of the headings of its text, in their order.
    headings: Vec<String>,
    /// Whether askbook should know it.
    is_wanted: bool,
}

/// The pages of docs of a built site, by file.
struct BuiltSite {
    pages: BTreeMap<String, BuiltPage>,
}

impl BuiltSite {
    fn of(site: &Site, folder: &Path) -> Result<Self> {
        let build = folder.join("build");
        let mut pages = BTreeMap::new();
        let mut originals: BTreeMap<String, String> = BTreeMap::new();
        // A site's own language comes first, so that the others can be compared with it.
        for (root, below) in site.roots {
            let is_own = below.is_empty();
            for entry in WalkDir::new(build.join(below)).sort_by_file_name() {
                let entry = entry?;
                let file = entry.path().strip_prefix(&build)?.to_string_lossy().into_owned();
                let is_other = site
                    .roots
                    .iter()
                    .any(|(_, other)| other.len() > below.len() && file.starts_with(other));
                let is_html = entry.path().extension().is_some_and(|extension| extension == "html");
                if is_other || !entry.file_type().is_file() || !is_html {
                    continue;
                }
                let html = Html::parse_document(&fs::read_to_string(entry.path())?);
                let root_element = html.root_element();
                let Some(url) = canonical(root_element) else { continue };
                if !url.starts_with(root) {
                    return Err(format!("{file} is not the page of its URL: build again").into());
                }
                let Some((key, text, page)) = built_page(root_element, url) else { continue };
                let is_translated = originals.get(&key).is_none_or(|original| *original != text);
                let is_wanted = page.is_wanted && (is_own || is_translated);
                if is_own {
                    originals.insert(key, text);
                }
                pages.insert(file, BuiltPage { is_wanted, ..page });
            }
        }
        Ok(Self { pages })
    }
}

/// The URL that a page gives as its own.
fn canonical(root: ElementRef<'_>) -> Option<&str> {
    root.descendent_elements().find(|link| link.attr("rel") == Some("canonical"))?.attr("href")
}

/// A page of docs with what it is a translation of and its text; nothing for other pages.
fn built_page(root: ElementRef<'_>, url: &str) -> Option<(String, String, BuiltPage)> {
    let meta = |name: &str| {
        root.descendent_elements()
            .find(|meta| meta.value().name() == "meta" && meta.attr("name") == Some(name))?
            .attr("content")
    };
    let tag = meta("docusaurus_tag").filter(|tag| tag.starts_with("docs-"))?;
    let id = root.attr("class").and_then(|classes| classes.split("docs-doc-id-").nth(1));
    let article = root
        .descendent_elements()
        .find(|part| part.value().classes().any(|class| class == "theme-doc-markdown"));
    let all: Vec<_> =
        article.into_iter().flat_map(|article| article.descendent_elements()).collect();
    let is_heading =
        |part: &&ElementRef<'_>| matches!(part.value().name(), "h2" | "h3" | "h4" | "h5" | "h6");
    let ids = root.descendent_elements().filter_map(|part| part.attr("id"));
    let page = BuiltPage {
        url: url.to_owned(),
        ids: ids.map(str::to_owned).collect(),
        headings: all
            .iter()
            .filter(is_heading)
            .filter_map(|part| part.attr("id").map(str::to_owned))
            .collect(),
        is_wanted: id.is_some() && !meta("robots").is_some_and(|robots| robots.contains("noindex")),
    };
    let is_own_word = |part: &ElementRef<'_>| {
        let is_title = |class: &str| class.starts_with("admonitionHeading");
        !part.value().classes().any(is_title)
    };
    let text: String =
        all.iter().filter(|part| is_own_word(part)).map(|part| own_text(*part)).collect();
    Some((format!("{tag} {}", id.unwrap_or_default()), text, page))
}

/// The text that is directly in an element.
fn own_text(element: ElementRef<'_>) -> String {
    element.children().filter_map(|child| child.value().as_text().map(|text| &**text)).collect()
}

impl Site {
    /// The file that a URL is served from, by Docusaurus' rules.
    fn file_of(&self, url: &str) -> Option<String> {
        let url = decoded(url);
        let (root, below) = self
            .roots
            .iter()
            .filter(|(root, _)| url.starts_with(root))
            .max_by_key(|(root, _)| root.len())?;
        let path = &url[root.len()..];
        Some(match self.trailing_slash {
            _ if path.is_empty() => format!("{below}index.html"),
            Some(false) => format!("{below}{path}.html"),
            _ => format!("{below}{}/index.html", path.trim_end_matches('/')),
        })
    }

    /// All differences between what was read and what was built.
    fn differences(&self, source: &str, reading: &Reading, built: &BuiltSite) -> Vec<String> {
        let mut differences = Vec::new();
        let mut stored = BTreeSet::new();
        for page in &reading.pages {
            let name = format!("{}: {} ({})", self.name, page.url, page.file);
            let file = self.file_of(&page.url).unwrap_or_default();
            let Some(found) = built.pages.get(&file) else {
                differences.push(format!("{name} is not served"));
                continue;
            };
            if decoded(&page.url) != found.url {
                differences.push(format!("{name} is {} in the build", found.url));
            }
            if !found.is_wanted {
                differences.push(format!("{name} should not be stored"));
            }
            if page.anchors != found.headings {
                let [read, built] = [&page.anchors, &found.headings];
                differences.push(format!("{name}: anchors\n  read  {read:?}\n  built {built:?}"));
            }
            if !stored.insert(file) {
                differences.push(format!("{name} is stored twice"));
            }
        }
        for (file, page) in &built.pages {
            if page.is_wanted && !stored.contains(file) {
                differences.push(format!("{}: {} is not stored", self.name, page.url));
            }
        }
        let mut anchors = 0;
        for passage in &reading.passages {
            let url = passage.url.as_deref().unwrap_or_default();
            let (path, anchor) = url.split_once('#').unwrap_or((url, ""));
            let page = self.file_of(path).and_then(|file| built.pages.get(&file));
            let page = page.filter(|page| page.url == decoded(path));
            if !page.is_some_and(|page| anchor.is_empty() || page.ids.contains(&decoded(anchor))) {
                differences.push(format!("{}: {url} leads nowhere", self.name));
            }
            anchors += usize::from(!anchor.is_empty());
        }
        let headings: usize = reading.pages.iter().map(|page| page.anchors.len()).sum();
        print(&format!(
            "{} from {source}: {} pages, {headings} headings, {} passages ({anchors} with \
             anchors); {} differences",
            self.name,
            reading.pages.len(),
            reading.passages.len(),
            differences.len(),
        ));
        differences
    }
}

/// A URL or fragment without percent-encoding.
fn decoded(url: &str) -> String {
    percent_decode_str(url).decode_utf8_lossy().into_owned()
}

/// Says it past the test harness, which shows what a test prints only when it fails.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
