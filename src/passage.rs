//! Passages: the pieces of the book that are indexed, found and cited.

use std::collections::HashSet;

/// A passage's name: stable over re-indexing for as long as the passage is the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageId(pub String);

/// A piece of the book, with where a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its name.
    pub id: PassageId,
    /// The page's title; empty when unknown.
    pub title: String,
    /// The headings that lead to it below the title, outermost first.
    pub headings: Vec<String>,
    /// Where it opens, heading included (`/docs/x#y` or `https://…`); `None` when unknown.
    pub url: Option<String>,
    /// The body, as Markdown: what is shown and quoted.
    pub text: String,
}

impl Passage {
    /// The innermost heading; `None` for the text before a page's first heading.
    pub fn section(&self) -> Option<&str> {
        self.headings.last().map(String::as_str)
    }

    /// Title and headings, outermost first, without empty or repeated ones.
    pub fn breadcrumb(&self) -> String {
        let mut trail: Vec<&str> = Vec::with_capacity(self.headings.len() + 1);
        for step in std::iter::once(&self.title).chain(&self.headings) {
            if !step.is_empty() && trail.last() != Some(&step.as_str()) {
                trail.push(step);
            }
        }
        trail.join(" > ")
    }

    /// The text to embed: breadcrumb, the words of the URL, body. Context of this kind lowers
    /// the share of questions whose passage is missed by a third (Anthropic, "Contextual
    /// Retrieval", 2024).
    pub fn indexed_text(&self) -> String {
        let slug = self.url.as_deref().map(slug_words).unwrap_or_default();
        let breadcrumb = self.breadcrumb();
        [breadcrumb.as_str(), &slug, &self.text]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The words of a URL's path and fragment, without its host.
fn slug_words(url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url,
    };
    path.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// How well a passage fits, by each measure that was taken. Scores of different measures, or of
/// different retrievers, do not compare.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Closeness of the dense vectors; cosine, so at most 1.
    pub dense: Option<f32>,
    /// BM25 score; 0 or more, without an upper bound.
    pub lexical: Option<f32>,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What was found.
    pub passage: Passage,
    /// How well it fits.
    pub scores: Scores,
}

/// Leaves one hit for each place in the book, best first: hits with one URL become one whose text
/// is theirs in turn, and a text that was there before is dropped (collections that were indexed
/// twice hold everything twice).
pub fn distinct(hits: Vec<Hit>) -> Vec<Hit> {
    let mut seen = HashSet::new();
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        let words: String = hit.passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() || !seen.insert(words) {
            continue;
        }
        let same_place = kept
            .iter_mut()
            .find(|earlier| hit.passage.url.is_some() && earlier.passage.url == hit.passage.url);
        match same_place {
            Some(earlier) => {
                earlier.passage.text.push_str("\n\n");
                earlier.passage.text.push_str(&hit.passage.text);
            }
            None => kept.push(hit),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(url: Option<&str>, text: &str) -> Hit {
        let passage = Passage {
            id: PassageId(text.to_owned()),
            title: "Sessions".to_owned(),
            headings: vec!["Sessions".to_owned(), "Time to live".to_owned()],
            url: url.map(str::to_owned),
            text: text.to_owned(),
        };
        Hit { passage, scores: Scores::default() }
    }

    #[test]
    fn a_breadcrumb_names_each_step_once() {
        assert_eq!(hit(None, "x").passage.breadcrumb(), "Sessions > Time to live");
    }

    #[test]
    fn the_indexed_text_holds_the_words_of_the_path_and_not_the_host() {
        let passage = hit(Some("https://a.example/docs/use-it#time-to-live"), "Body.").passage;
        assert_eq!(
            passage.indexed_text(),
            "Sessions > Time to live\ndocs use it time to live\nBody."
        );
    }

    #[test]
    fn hits_of_one_place_become_one_and_repeated_texts_go() {
        let hits = vec![
            hit(Some("/a"), "One."),
            hit(Some("/b"), "Two."),
            hit(Some("/a"), "Three."),
            hit(Some("/c"), "One. "),
            hit(None, "Four."),
            hit(None, "Five."),
        ];
        let texts: Vec<_> = distinct(hits).into_iter().map(|hit| hit.passage.text).collect();
        assert_eq!(texts, ["One.\n\nThree.", "Two.", "Four.", "Five."]);
    }
}
