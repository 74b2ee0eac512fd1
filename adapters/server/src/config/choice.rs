use askbook_qdrant::Address;
use secrecy::SecretString;

use super::setting::Settings;
use super::value::{EmbedderName, GeneratorName, RetrieverName};
use super::{Keys, Problems};

/// What turns text into vectors, with what only it needs.
#[derive(Clone, Debug)]
pub(crate) enum EmbedderChoice {
    Gemini(SecretString),
    #[cfg(feature = "edge")]
    Bm25,
    #[cfg(feature = "edge")]
    Hybrid(SecretString),
    Memory,
}

/// Where passages are found, with what only it needs.
#[derive(Clone, Debug)]
pub(crate) enum RetrieverChoice {
    Qdrant {
        address: Address,
        collection: String,
    },
    #[cfg(feature = "edge")]
    Edge,
    Memory,
}

/// What writes the answers, with what only it needs.
#[derive(Clone, Debug)]
pub(crate) enum GeneratorChoice {
    Gemini(SecretString),
    Quote,
    Memory,
}

impl EmbedderChoice {
    /// The key, where a model makes vectors.
    pub(crate) fn key(&self) -> Option<&SecretString> {
        match self {
            Self::Gemini(key) => Some(key),
            #[cfg(feature = "edge")]
            Self::Hybrid(key) => Some(key),
            #[cfg(feature = "edge")]
            Self::Bm25 => None,
            Self::Memory => None,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Gemini(_) => "gemini",
            #[cfg(feature = "edge")]
            Self::Bm25 => "bm25",
            #[cfg(feature = "edge")]
            Self::Hybrid(_) => "hybrid",
            Self::Memory => "memory",
        }
    }

    /// Whether embedding costs no call to anyone, so that a book can be indexed unasked.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            #[cfg(feature = "edge")]
            Self::Bm25 => true,
            Self::Memory => true,
            _ => false,
        }
    }
}

impl RetrieverChoice {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Qdrant { .. } => "qdrant",
            #[cfg(feature = "edge")]
            Self::Edge => "edge",
            Self::Memory => "memory",
        }
    }
}

impl GeneratorChoice {
    /// The key, where a model writes.
    pub(crate) fn key(&self) -> Option<&SecretString> {
        match self {
            Self::Gemini(key) => Some(key),
            Self::Quote | Self::Memory => None,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Gemini(_) => "gemini",
            Self::Quote => "quote",
            Self::Memory => "memory",
        }
    }
}

/// The parts, as set or as follows from what else is set. `None` when one cannot be had.
pub(super) fn choose(
    settings: &Settings,
    keys: Keys,
    problems: &mut Problems,
) -> Option<(EmbedderChoice, RetrieverChoice, GeneratorChoice)> {
    let key = settings.gemini_api_key.clone();
    let offline = cfg!(feature = "edge");

    let embedder = settings.embedder.unwrap_or(match (&key, &settings.qdrant_url) {
        (Some(_), Some(_)) if offline => EmbedderName::Hybrid,
        (Some(_), Some(_)) => EmbedderName::Gemini,
        _ if offline => EmbedderName::Bm25,
        _ => EmbedderName::Memory,
    });
    let spare = (keys == Keys::Spared).then(|| SecretString::from("spared"));
    let paid = key.clone().or(spare);
    let embedder = match embedder {
        EmbedderName::Gemini => needed(paid.map(EmbedderChoice::Gemini), || {
            problems.add("ASKBOOK_EMBEDDER asks for gemini: set GEMINI_API_KEY too");
        }),
        #[cfg(feature = "edge")]
        EmbedderName::Hybrid => needed(paid.map(EmbedderChoice::Hybrid), || {
            problems.add("ASKBOOK_EMBEDDER asks for hybrid: set GEMINI_API_KEY too");
        }),
        #[cfg(feature = "edge")]
        EmbedderName::Bm25 => Some(EmbedderChoice::Bm25),
        #[cfg(not(feature = "edge"))]
        EmbedderName::Bm25 | EmbedderName::Hybrid => needed(None, || {
            problems.add("ASKBOOK_EMBEDDER asks for bm25: build askbook with its feature `edge`");
        }),
        EmbedderName::Memory => Some(EmbedderChoice::Memory),
    };

    let retriever = settings.retriever.unwrap_or(match settings.qdrant_url {
        Some(_) => RetrieverName::Qdrant,
        None if offline => RetrieverName::Edge,
        None => RetrieverName::Memory,
    });
    let retriever = match retriever {
        RetrieverName::Qdrant => {
            let address = needed(settings.qdrant_url.clone(), || {
                problems.add("ASKBOOK_RETRIEVER asks for qdrant: set QDRANT_URL too");
            });
            let collection = needed(settings.qdrant_collection.clone(), || {
                problems.add("passages are found in Qdrant: set QDRANT_COLLECTION_NAME too");
            });
            address
                .zip(collection)
                .map(|(address, collection)| RetrieverChoice::Qdrant { address, collection })
        }
        #[cfg(feature = "edge")]
        RetrieverName::Edge => Some(RetrieverChoice::Edge),
        #[cfg(not(feature = "edge"))]
        RetrieverName::Edge => needed(None, || {
            problems.add("ASKBOOK_RETRIEVER asks for edge: build askbook with its feature `edge`");
        }),
        RetrieverName::Memory => Some(RetrieverChoice::Memory),
    };

    let generator = settings.generator.unwrap_or(match key {
        Some(_) => GeneratorName::Gemini,
        None => GeneratorName::Quote,
    });
    if settings.gemini_fallback_model.as_ref() == Some(&settings.gemini_model) {
        problems.add("GEMINI_FALLBACK_MODEL must be another model than GEMINI_MODEL");
    }
    let generator = match generator {
        GeneratorName::Gemini => needed(key.map(GeneratorChoice::Gemini), || {
            problems.add("ASKBOOK_GENERATOR asks for gemini: set GEMINI_API_KEY too");
        }),
        GeneratorName::Quote => Some(GeneratorChoice::Quote),
        GeneratorName::Memory => Some(GeneratorChoice::Memory),
    };

    Some((embedder?, retriever?, generator?))
}

/// What is there; complains when it is not.
fn needed<T>(value: Option<T>, complain: impl FnOnce()) -> Option<T> {
    if value.is_none() {
        complain();
    }
    value
}
