//! What a question's relevant passages are called, and which passages those are.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use askbook::error::PortError;
use askbook::passage::Passage;
use askbook::ports::Corpus;
use serde::Serialize;

use super::set::Asked;

/// How many passages are read at once.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Whether this passage is meant by a passage id, or by the URL of its section: hosts and slashes
/// at the end of a path make no difference.
pub(crate) fn is(passage: &Passage, wanted: &str) -> bool {
    passage.id.0 == wanted
        || passage.url.as_deref().is_some_and(|url| section(url) == section(wanted))
}

/// The path without a slash at its end, and the fragment.
fn section(url: &str) -> (&str, &str) {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    };
    let (page, fragment) = path.split_once('#').unwrap_or((path, ""));
    (page.trim_end_matches('/'), fragment)
}

/// A relevant passage that the index does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Missing {
    pub(crate) line: usize,
    pub(crate) wanted: String,
}

/// The relevant passages of a set that are not in the index.
pub(crate) async fn missing(set: &[Asked], corpus: &dyn Corpus) -> Result<Vec<Missing>, PortError> {
    let (mut ids, mut sections) = (HashSet::new(), HashSet::new());
    let mut after: Option<String> = None;
    loop {
        let page = corpus.page(after.as_deref(), PAGE, false).await?;
        for entry in page.entries {
            if let Some(url) = &entry.passage.url {
                let (page, fragment) = section(url);
                sections.insert((page.to_owned(), fragment.to_owned()));
            }
            ids.insert(entry.passage.id.0);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let known = |wanted: &str| {
        let (page, fragment) = section(wanted);
        ids.contains(wanted) || sections.contains(&(page.to_owned(), fragment.to_owned()))
    };
    let of_line = |asked: &Asked| {
        let unknown = asked.relevant.iter().filter(|wanted| !known(wanted)).cloned();
        let line = asked.line;
        unknown.map(|wanted| Missing { line, wanted }).collect::<Vec<_>>()
    };
    Ok(set.iter().flat_map(of_line).collect())
}

#[cfg(test)]
mod tests {
    use askbook::passage::PassageId;

    use super::*;

    fn passage(id: &str, url: Option<&str>) -> Passage {
        Passage {
            id: PassageId(id.to_owned()),
            title: String::new(),
            headings: Vec::new(),
            url: url.map(str::to_owned),
            text: "Text.".to_owned(),
            edition: None,
        }
    }

    #[test]
    fn a_passage_is_meant_by_its_id_or_the_url_of_its_section() {
        let stored = passage("guide.md#price/0", Some("https://a.example/docs/guide/#price"));
        for (wanted, meant) in [
            ("guide.md#price/0", true),
            ("https://a.example/docs/guide/#price", true),
            ("https://b.example/docs/guide#price", true),
            ("/docs/guide#price", true),
            ("/docs/guide", false),
            ("/docs/guide#prices", false),
            ("/guide#price", false),
            ("guide.md#price", false),
        ] {
            assert_eq!(is(&stored, wanted), meant, "{wanted}");
        }
        let home = passage("index.md/0", Some("https://a.example"));
        assert!(is(&home, "/") && is(&home, "https://b.example/") && !is(&home, "/docs"));
        assert!(!is(&passage("x", None), "/"));
    }
}
