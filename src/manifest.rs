//! How an index was made: what must be the same for it to be searched, and what it holds.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::embedding::VectorShape;
use crate::passage::Passage;
use crate::ports::Embedder;

/// Changes whenever the text that is embedded is written in another way
/// ([`Passage::indexed_text`]).
const SCHEME: &str = "2";

/// How the entries of an index are made. Indexes of one recipe can be searched with the same
/// queries, and entries of one can be put into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The space of the vectors: model, task scheme and normalisation
    /// ([`Embedder::space`]).
    pub space: String,
    /// Which vectors there are, and the size of the dense ones.
    pub shape: VectorShape,
    /// How passages are cut and what of them is embedded.
    pub chunker: String,
}

impl Recipe {
    /// The recipe of an index that this embedder makes of passages that `chunker` cut.
    pub fn of(embedder: &dyn Embedder, chunker: &str) -> Self {
        Self {
            space: embedder.space().to_owned(),
            shape: embedder.preferred_shape(),
            chunker: format!("{chunker}/{SCHEME}"),
        }
    }

    /// What an index of this recipe cannot be used for by someone who is set to `wanted`: each
    /// difference with both sides. `None` when there is none.
    pub fn difference(&self, wanted: &Self) -> Option<String> {
        let sides = [
            ("space", self.space.clone(), wanted.space.clone()),
            ("vectors", self.shape.to_string(), wanted.shape.to_string()),
            ("passages", self.chunker.clone(), wanted.chunker.clone()),
        ];
        let differences: Vec<String> = sides
            .into_iter()
            .filter(|(_, index, wanted)| index != wanted)
            .map(|(what, index, wanted)| {
                format!("{what}: the index has {index}, the settings ask for {wanted}")
            })
            .collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, shape, chunker } = self;
        write!(f, "{shape} of {space}, passages {chunker}")
    }
}

/// What an index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// How it was made.
    pub recipe: Recipe,
    /// Names recipe and passages together, in 32 hexadecimal digits: indexes of one name are
    /// equal.
    pub corpus: String,
    /// How many passages it holds.
    pub passages: usize,
}

impl Manifest {
    /// The manifest of an index of these passages.
    pub fn of(passages: &[Passage], recipe: Recipe) -> Self {
        let mut hash = Hash::default();
        hash.add(&recipe.space);
        hash.add(&recipe.shape.to_string());
        hash.add(&recipe.chunker);
        let mut digests: Vec<Digest> = passages.iter().map(Passage::digest).collect();
        digests.sort_unstable();
        for digest in &digests {
            hash.add(&digest.0);
        }
        Self { recipe, corpus: hash.finish().0, passages: passages.len() }
    }
}

/// Names the content of a passage, in 32 hexadecimal digits: passages with one digest are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub String);

impl Passage {
    /// The digest of everything in it.
    pub fn digest(&self) -> Digest {
        let Self { id, title, headings, url, text, edition } = self;
        let mut hash = Hash::default();
        hash.add(&id.0);
        hash.add(title);
        hash.add(&headings.len().to_string());
        for heading in headings {
            hash.add(heading);
        }
        hash.add(url.as_deref().unwrap_or_default());
        hash.add(text);
        if let Some(edition) = edition {
            for part in [&edition.locale, &edition.version, &edition.url] {
                hash.add(part);
            }
        }
        hash.finish()
    }
}

/// A hash over several texts.
#[derive(Default)]
struct Hash(Sha256);

impl Hash {
    /// Adds a text, closed by a byte that UTF-8 never holds: ("ab", "c") and ("a", "bc") differ.
    fn add(&mut self, text: &str) {
        self.0.update(text);
        self.0.update([0xff]);
    }

    /// The first half of SHA-256: two of 10^15 passages agree by chance once in 10^8 books.
    fn finish(self) -> Digest {
        Digest(self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::{Edition, PassageId};

    fn recipe() -> Recipe {
        Recipe {
            space: "bm25".to_owned(),
            shape: VectorShape::sparse(),
            chunker: "sections/1".to_owned(),
        }
    }

    fn passage() -> Passage {
        Passage {
            id: PassageId("a#b/0".to_owned()),
            title: "A".to_owned(),
            headings: vec!["B".to_owned()],
            url: Some("/a#b".to_owned()),
            text: "Text.".to_owned(),
            edition: None,
        }
    }

    #[test]
    fn everything_in_a_passage_counts() {
        let original = passage();
        let edition = |url: &str| {
            let [locale, version] = ["en", "1"].map(str::to_owned);
            Some(Edition { locale, version, url: url.to_owned() })
        };
        let changed = [
            Passage { id: PassageId("a#b/1".to_owned()), ..passage() },
            Passage { title: "AB".to_owned(), headings: vec![String::new()], ..passage() },
            Passage { headings: vec!["B".to_owned(), String::new()], ..passage() },
            Passage { url: None, ..passage() },
            Passage { text: "Text".to_owned(), ..passage() },
            Passage { edition: edition("/a"), ..passage() },
            Passage { edition: edition("/b"), ..passage() },
        ];
        let mut digests: Vec<Digest> = changed.iter().map(Passage::digest).collect();
        digests.push(original.digest());
        assert!(digests.iter().all(|digest| digest.0.len() == 32));
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), changed.len() + 1);
    }

    #[test]
    fn a_corpus_is_named_by_its_passages_in_any_order_and_its_recipe() {
        let other = Passage { text: "Other.".to_owned(), ..passage() };
        let corpus = |passages: &[Passage], recipe| Manifest::of(passages, recipe).corpus;
        let both = corpus(&[passage(), other.clone()], recipe());
        assert_eq!(both, corpus(&[other.clone(), passage()], recipe()));
        assert_ne!(both, corpus(&[other], recipe()));
        assert_ne!(both, corpus(&[passage()], Recipe { chunker: "2".to_owned(), ..recipe() }));
    }

    #[test]
    fn a_difference_names_both_sides() {
        assert_eq!(recipe().difference(&recipe()), None);
        let wanted = Recipe { space: "gemini".to_owned(), ..recipe() };
        let difference = recipe().difference(&wanted).unwrap();
        assert_eq!(difference, "space: the index has bm25, the settings ask for gemini");
    }
}
