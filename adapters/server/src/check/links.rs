//! The links of a few passages: whether a reader could open them.

use askbook::ports::Entry;
use url::Url;

use super::Finding;

const CODE: &str = "links";

/// How many links are shown.
const SHOWN: usize = 3;

/// Looks at their form; nothing is opened.
pub(super) fn findings(entries: &[Entry], site_url: Option<&str>) -> Vec<Finding> {
    let mut links: Vec<&str> =
        entries.iter().filter_map(|entry| entry.passage.url.as_deref()).collect();
    links.dedup();
    let without = entries.iter().filter(|entry| entry.passage.url.is_none()).count();
    let mut findings = Vec::new();
    if without > 0 {
        let what = format!("{without} of {} passages looked at have no link", entries.len());
        let advice = "give them one where they are made: their sources cannot be opened";
        findings.push(Finding::warning(CODE, what, advice));
    }
    let faulty: Vec<String> = links
        .iter()
        .filter_map(|link| Some(format!("{link} ({})", fault(link)?)))
        .take(SHOWN)
        .collect();
    if !faulty.is_empty() {
        let what = format!("links that cannot be opened: {}", faulty.join(", "));
        let advice = "index the book again, or set ASKBOOK_QDRANT_URL_FIELD to what holds links";
        findings.push(Finding::warning(CODE, what, advice));
    }
    let sound: Vec<&str> = links.into_iter().filter(|link| fault(link).is_none()).collect();
    findings.extend(placed(&sound, site_url));
    findings
}

/// Whether the links lead to the site.
fn placed(links: &[&str], site_url: Option<&str>) -> Option<Finding> {
    let first = links.first()?;
    let shown = links[..links.len().min(SHOWN)].join(", ");
    let site = site_url.and_then(|url| Url::parse(url).ok());
    let host = |link: &str| Url::parse(link).ok().and_then(|url| Some(url.host_str()?.to_owned()));
    let Some(site) = site else {
        return Some(match host(first) {
            Some(_) => Finding::ok(CODE, format!("links such as {shown}")),
            None => Finding::note(
                CODE,
                format!("links are paths, such as {shown}"),
                "they open on the book's own site; elsewhere, set ASKBOOK_SITE_URL",
            ),
        });
    };
    let elsewhere = links.iter().find(|link| host(link).as_deref() != site.host_str());
    Some(match elsewhere {
        None => Finding::ok(CODE, format!("links such as {shown}")),
        Some(link) => Finding::warning(
            CODE,
            format!("{link} does not lead to {site}, where the book is published"),
            "index the book again, or set ASKBOOK_SITE_URL to where it is",
        ),
    })
}

/// Why a browser could not open this; `None` when it could.
fn fault(link: &str) -> Option<&'static str> {
    let page = link.split(['#', '?']).next().unwrap_or_default();
    let is_source = |ending: &str| page.to_ascii_lowercase().ends_with(ending);
    if link.contains('\\') {
        Some("it holds a backslash")
    } else if link.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("it holds white space")
    } else if is_source(".md") || is_source(".mdx") {
        Some("it is that of a source file")
    } else if page.ends_with("/_index") {
        Some("no page is called so")
    } else if link.starts_with('/') && !link.starts_with("//") {
        None
    } else {
        let url = Url::parse(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.is_none().then_some("it is neither a path nor an http address")
    }
}

#[cfg(test)]
mod tests {
    use askbook::embedding::Embedding;
    use askbook::passage::{Passage, PassageId};

    use super::super::Level;
    use super::*;

    #[test]
    fn links_that_no_browser_opens_are_told() {
        for link in ["/docs/intro#price", "/", "https://a.example/docs", "http://localhost:3000/x"]
        {
            assert_eq!(fault(link), None, "{link}");
        }
        for (link, says) in [
            ("/docs\\intro", "backslash"),
            ("/docs/my page", "white space"),
            ("/docs/intro.md#x", "source file"),
            ("https://a.example/Intro.MDX", "source file"),
            ("/docs/x/_index", "called so"),
            ("docs/intro", "neither"),
            ("//a.example/docs", "neither"),
            ("file:///docs/intro", "neither"),
            ("", "neither"),
        ] {
            assert!(fault(link).is_some_and(|fault| fault.contains(says)), "{link}");
        }
    }

    fn entry(url: Option<&str>) -> Entry {
        let passage = Passage {
            id: PassageId("x".to_owned()),
            title: String::new(),
            headings: Vec::new(),
            url: url.map(str::to_owned),
            text: "Text.".to_owned(),
            edition: None,
        };
        Entry { passage, embedding: Embedding::default() }
    }

    #[test]
    fn links_lead_to_the_site_or_it_is_said_that_they_do_not() {
        const SITE: Option<&str> = Some("https://book.example/");
        for (url, site, levels) in [
            (Some("https://book.example/docs"), SITE, &[Level::Ok][..]),
            (Some("https://other.example/docs"), SITE, &[Level::Warning]),
            (Some("/docs"), SITE, &[Level::Warning]),
            (Some("/docs"), Some("/manual/"), &[Level::Note]),
            (Some("/docs"), None, &[Level::Note]),
            (Some("https://other.example/docs"), None, &[Level::Ok]),
            (Some("docs\\intro"), None, &[Level::Warning]),
            (None, None, &[Level::Warning]),
        ] {
            let findings = findings(&[entry(url)], site);
            let found: Vec<Level> = findings.iter().map(|finding| finding.level).collect();
            assert_eq!(found, levels, "{url:?}: {findings:#?}");
        }
    }
}
