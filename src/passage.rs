//! Passages: the pieces of the book that are indexed, found and cited.

/// A passage's name: stable over re-indexing for as long as the passage is the same one.
///
/// The parts of one section are named `SECTION/0`, `SECTION/1` and so on: whoever cuts a section
/// into passages names them so, and then a part can be shown with its neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageId(pub String);

impl PassageId {
    /// The name of a section's part, counted from 0.
    pub fn of_part(section: &str, part: usize) -> Self {
        Self(format!("{section}/{part}"))
    }

    /// The names that the parts before and after this one have if they exist: none for what is
    /// not named as a part.
    pub fn neighbours(&self) -> (Option<Self>, Option<Self>) {
        let Some((section, part)) = self.0.rsplit_once('/') else { return (None, None) };
        let Ok(part) = part.parse::<usize>() else { return (None, None) };
        let at = |part| Self::of_part(section, part);
        (part.checked_sub(1).map(at), part.checked_add(1).map(at))
    }
}

/// One edition of a book that is published in several: a version of it, in a language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edition {
    /// The language, as the site names it (`en`, `pt-BR`).
    pub locale: String,
    /// The version, as the site names it (`current`, `2.1`).
    pub version: String,
    /// The URL below which all its pages are, as in [`Passage::url`], without a slash at its end
    /// (`/ur/docs/next`). An edition's URL may lie below that of another one; then the longer one
    /// counts.
    pub url: String,
}

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
    /// The edition that it belongs to; `None` when there is only one, or that is not known.
    pub edition: Option<Edition>,
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
        [self.breadcrumb().as_str(), &self.slug_words(), &self.text]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Whether another passage is of the same section: ids alone may be of any form.
    pub(crate) fn shares_section(&self, other: &Self) -> bool {
        (&self.url, &self.headings) == (&other.url, &other.headings)
    }

    /// The words of the URL's path and fragment.
    pub(crate) fn slug_words(&self) -> String {
        self.url.as_deref().map(slug_words).unwrap_or_default()
    }
}

/// The words of a URL's path and fragment, without its host.
pub(crate) fn slug_words(url: &str) -> String {
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
    /// The place in the fused ranking, from 1. It says which passage is better and nothing about
    /// how good it is.
    pub fused_rank: usize,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What was found.
    pub passage: Passage,
    /// How well it fits.
    pub scores: Scores,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(url: Option<&str>, text: &str) -> Passage {
        Passage {
            id: PassageId(text.to_owned()),
            title: "Sessions".to_owned(),
            headings: vec!["Sessions".to_owned(), "Time to live".to_owned()],
            url: url.map(str::to_owned),
            text: text.to_owned(),
            edition: None,
        }
    }

    #[test]
    fn a_breadcrumb_names_each_step_once() {
        assert_eq!(passage(None, "x").breadcrumb(), "Sessions > Time to live");
    }

    #[test]
    fn the_indexed_text_holds_the_words_of_the_path_and_not_the_host() {
        let passage = passage(Some("https://a.example/docs/use-it#time-to-live"), "Body.");
        assert_eq!(
            passage.indexed_text(),
            "Sessions > Time to live\ndocs use it time to live\nBody."
        );
    }

    #[test]
    fn the_parts_of_a_section_are_neighbours() {
        let part = |part| PassageId::of_part("a.md#b", part);
        assert_eq!(part(1).0, "a.md#b/1");
        assert_eq!(part(1).neighbours(), (Some(part(0)), Some(part(2))));
        assert_eq!(part(0).neighbours(), (None, Some(part(1))));
        for id in ["a.md", "https://a.example/b#c", "a/-1", ""] {
            assert_eq!(PassageId(id.to_owned()).neighbours(), (None, None), "{id}");
        }
    }
}
