//! BM25 as an embedder.

use std::sync::Arc;

use askbook::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use askbook::text::identifier_parts;
use async_trait::async_trait;
use qdrant_edge::bm25_embed::{EdgeBm25, EdgeBm25Config};
use qdrant_edge::external::ordered_float::NotNan;
use qdrant_edge::{Language, TokenizerType};

use crate::off_the_runtime;

/// Changes whenever a text is prepared or weighted in another way, which makes vectors that do
/// not compare.
const SCHEME: &str = "2";

/// Turns text into sparse BM25 vectors (k1 1.2, b 0.6): a passage's components are the weights
/// of its terms, a question's are 1. What a term is worth in the whole index (IDF) is left to the
/// index, so the vectors of a passage never change with the other passages.
///
/// The components are those of a Qdrant server's own BM25, so one embedder serves [`EdgeStore`]
/// and a server's collection whose sparse vector has the IDF modifier. Terms are lower-case stems
/// without the stop words of one language; an identifier gives itself and its parts, so `slice`,
/// `createSlice` and `create_slice` find each other.
///
/// [`EdgeStore`]: crate::EdgeStore
pub struct Bm25Embedder {
    bm25: Arc<EdgeBm25>,
    space: String,
}

impl Bm25Embedder {
    /// The language of most documentation.
    pub const DEFAULT_LANGUAGE: &str = "english";

    /// BM25 for texts in this language, by its English name or its code (`german`, `de`).
    ///
    /// # Errors
    /// `Misconfigured` for a language that the engine has no stop words for.
    pub fn new(language: &str) -> Result<Self, PortError> {
        let unknown = || {
            let message = format!(
                "bm25 does not know the language {language:?}: give an english name such as \
                 english, german, french, spanish, chinese or japanese"
            );
            PortError::new(ErrorKind::Misconfigured, message)
        };
        let language: Language = language.to_lowercase().parse().map_err(|_| unknown())?;
        let config = EdgeBm25Config {
            // On the sections of three real books, which have 100 to 250 words, these rank better
            // than the engine's own 0.75 and 256.
            b: NotNan::new(0.6).unwrap_or_default(),
            avg_len: NotNan::from(100_u8),
            language: Some(language.to_string()),
            tokenizer: match language {
                // Written without spaces, so words have to be guessed.
                Language::Chinese | Language::Japanese => TokenizerType::Multilingual,
                _ => TokenizerType::Word,
            },
            ..EdgeBm25Config::default()
        };
        let bm25 = EdgeBm25::new(config).map_err(|error| unknown().with_source(error))?;
        Ok(Self { bm25: Arc::new(bm25), space: format!("bm25/{language}/{SCHEME}") })
    }
}

#[async_trait]
impl Embedder for Bm25Embedder {
    fn space(&self) -> &str {
        &self.space
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        if shape != VectorShape::sparse() {
            let message = format!(
                "bm25 makes sparse vectors alone, but {shape} are wanted: choose another \
                 embedder, or run `askbook index DIR` to make an index for bm25"
            );
            return Err(PortError::new(ErrorKind::Misconfigured, message));
        }
        match purpose {
            // Microseconds each, less than the way to another thread.
            Purpose::Query => {
                let embed =
                    |text: &String| sparse(self.bm25.embed_query(&with_identifiers_split(text)));
                Ok(texts.iter().map(embed).collect())
            }
            Purpose::Passage => {
                let (bm25, texts) = (Arc::clone(&self.bm25), texts.to_vec());
                let embed =
                    move |text: &String| sparse(bm25.embed_document(&with_identifiers_split(text)));
                off_the_runtime(move || Ok(texts.iter().map(embed).collect())).await
            }
        }
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn sparse(vector: qdrant_edge::SparseVector) -> Embedding {
    let qdrant_edge::SparseVector { indices, values } = vector;
    Embedding { dense: None, sparse: Some(SparseVector { indices, values }) }
}

/// The words of a text, an identifier of several parts as one word without its punctuation and
/// then part by part: the engine's tokenizer would leave `createSlice` whole and take
/// `create_slice` apart.
fn with_identifiers_split(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + text.len() / 4);
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let parts = identifier_parts(word);
        if parts.len() > 1 {
            words.extend(parts.iter().copied());
            words.push(' ');
        }
        for part in parts {
            words.push_str(part);
            words.push(' ');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_gives_itself_and_its_parts() {
        let check = |text, words: &[&str]| {
            let split = with_identifiers_split(text);
            assert_eq!(split.split_whitespace().collect::<Vec<_>>(), words, "{text}");
        };
        check("Call createSlice()!", &["Call", "createSlice", "create", "Slice"]);
        check("GEMINI_API_KEY=", &["GEMINIAPIKEY", "GEMINI", "API", "KEY"]);
        check("_private __init__", &["private", "init"]);
        check("redux-toolkit größer", &["redux", "toolkit", "größer"]);
        check("… _ ", &[]);
    }

    fn overlap(language: &str, query: &str, passage: &str) -> bool {
        let embedder = Bm25Embedder::new(language).unwrap();
        let query = embedder.bm25.embed_query(&with_identifiers_split(query));
        let passage = embedder.bm25.embed_document(&with_identifiers_split(passage));
        query.indices.iter().any(|index| passage.indices.contains(index))
    }

    #[test]
    fn identifiers_meet_whole_by_part_and_in_another_case() {
        for query in ["createSlice", "slices", "create_slice", "CREATESLICE"] {
            assert!(overlap("english", query, "Use createSlice."), "{query}");
        }
        assert!(!overlap("english", "sliceable", "Use createSlice."));
    }

    #[test]
    fn the_language_decides_about_stems_and_stop_words() {
        assert!(overlap("german", "Einstellungen", "die Einstellung"));
        assert!(!overlap("german", "die", "die Einstellung"));
        assert!(overlap("english", "die", "die Einstellung"));
        assert!(overlap("chinese", "会话", "会话在一小时后过期。"));
    }

    #[test]
    fn a_space_names_the_language_once_however_it_was_written() {
        for name in ["english", "English", "en"] {
            assert_eq!(Bm25Embedder::new(name).unwrap().space(), "bm25/english/2");
        }
        assert_ne!(Bm25Embedder::new("german").unwrap().space(), "bm25/english/2");
    }

    #[test]
    fn an_unknown_language_is_misconfigured() {
        for name in ["klingon", "", "\"", "english\\"] {
            let error = Bm25Embedder::new(name).err().expect("no such language");
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
        }
    }
}
