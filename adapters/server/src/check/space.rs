//! The proof that questions and stored vectors live in one space: a few stored texts are embedded
//! again and compared with the vectors that are stored for them. A collection of another model
//! with vectors of the same size would else answer with confident nonsense.

use std::collections::HashMap;

use askbook::embedding::{Purpose, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Embedder, Entry};
use askbook_gemini::Task;

use super::{Finding, gemini};
use crate::config::Config;
use crate::wiring;

const SPACE: &str = "space";
const TERMS: &str = "terms";

/// How many stored texts are embedded again: with Gemini in four ways, each of which counts
/// against the day's quota.
const TEXTS: usize = 4;

/// The longest text that is embedded again, in bytes: services cut longer ones off.
const LONGEST: usize = 4_000;

/// From this cosine on two vectors were made of one text in one way; what is left is rounding.
const SAME: f32 = 0.98;

/// Ways that differ by less than this do not differ.
const ROUNDING: f32 = 0.005;

/// Below this cosine two vectors of one text have nothing to do with each other. Between unrelated
/// spaces of n dimensions cosines are about 0, give or take 1/√n: 0.04 at 768.
const RELATED: f32 = 0.5;

/// How like the stored vectors those are that were made in one way.
#[derive(Clone, Debug, PartialEq)]
struct Likeness {
    /// The way.
    made: String,
    /// Whether it is askbook's own.
    own: bool,
    /// The median of the cosines.
    cosine: f32,
}

/// `entries` are some of the index, with vectors; `own` says that askbook made it.
pub(super) async fn findings(
    config: &Config,
    embedder: &dyn Embedder,
    entries: &[Entry],
    own: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let with_dense = entries.iter().filter_map(|entry| entry.embedding.dense.as_ref());
    let zeros = with_dense.clone().filter(|dense| is_zero(dense)).count();
    if zeros > 0 {
        let all = with_dense.clone().count();
        let what = format!("{zeros} of {all} vectors looked at are nothing but zeros");
        let advice = "index the book again: embedding failed when these were made";
        findings.push(if zeros == all {
            Finding::error("zero-vectors", what, advice)
        } else {
            Finding::warning("zero-vectors", what, advice)
        });
    }
    let dense = sample(entries, |entry| {
        entry.embedding.dense.as_ref().is_some_and(|dense| !is_zero(dense))
    });
    if !dense.is_empty() {
        findings.push(match dense_likenesses(config, embedder, &dense, own).await {
            Ok(likenesses) => {
                let model = match config.embedder.key() {
                    Some(_) => &config.settings.embedding_model,
                    None => embedder.space(),
                };
                judge_space(&likenesses, model, dense.len())
            }
            Err(error) => Finding::failure(SPACE, error),
        });
    }
    let sparse = sample(entries, |entry| {
        entry.embedding.sparse.as_ref().is_some_and(|sparse| !sparse.indices.is_empty())
    });
    if !sparse.is_empty() {
        findings.push(match sparse_likeness(embedder, &sparse, own).await {
            Ok(cosine) => judge_terms(cosine, sparse.len()),
            Err(error) => Finding::failure(TERMS, error),
        });
    }
    findings
}

/// Some entries that can be compared.
fn sample(entries: &[Entry], has_vector: impl Fn(&Entry) -> bool) -> Vec<&Entry> {
    let mut fit: Vec<&Entry> = entries
        .iter()
        .filter(|entry| has_vector(entry))
        .filter(|entry| !entry.passage.text.trim().is_empty())
        .filter(|entry| entry.passage.text.len() <= LONGEST)
        .collect();
    // Neighbours are alike.
    let step = fit.len().div_ceil(TEXTS).max(1);
    fit = fit.into_iter().step_by(step).collect();
    fit
}

/// The text that askbook embeds of a passage, or the one that is stored.
fn texts(entries: &[&Entry], indexed: bool) -> Vec<String> {
    let text = |entry: &&Entry| {
        if indexed { entry.passage.indexed_text() } else { entry.passage.text.clone() }
    };
    entries.iter().map(text).collect()
}

async fn dense_likenesses(
    config: &Config,
    embedder: &dyn Embedder,
    entries: &[&Entry],
    own: bool,
) -> Result<Vec<Likeness>, PortError> {
    let stored: Vec<&[f32]> =
        entries.iter().filter_map(|entry| entry.embedding.dense.as_deref()).collect();
    let shape = VectorShape { sparse: false, ..entries[0].embedding.shape() };
    let likeness = |made: &str, own: bool, vectors: &[Vec<f32>]| {
        let cosines = stored.iter().zip(vectors).map(|(stored, made)| cosine(stored, made));
        Likeness { made: made.to_owned(), own, cosine: median(cosines.collect()) }
    };
    let mut likenesses = Vec::new();
    let Some(key) = config.embedder.key() else {
        let made = embedder.embed(&texts(entries, own), Purpose::Passage, shape).await?;
        let made: Vec<Vec<f32>> = made.into_iter().filter_map(|made| made.dense).collect();
        return Ok(vec![likeness("passages", true, &made)]);
    };
    let client = wiring::gemini(config, key).map_err(port_error)?;
    let embedder = gemini::embedder(config, client)?;
    for indexed in if own { &[true, false][..] } else { &[false] } {
        let texts = texts(entries, *indexed);
        for (task, name) in [
            (Task::Document, "RETRIEVAL_DOCUMENT"),
            (Task::Query, "RETRIEVAL_QUERY"),
            (Task::Similarity, "SEMANTIC_SIMILARITY"),
            (Task::Unsaid, "no task type"),
        ] {
            let vectors = embedder.embed_as(&texts, task, shape).await?;
            let name =
                if *indexed == own { name.to_owned() } else { format!("{name}, body alone") };
            likenesses.push(likeness(&name, task == Task::Document && *indexed == own, &vectors));
        }
    }
    Ok(likenesses)
}

async fn sparse_likeness(
    embedder: &dyn Embedder,
    entries: &[&Entry],
    own: bool,
) -> Result<f32, PortError> {
    let made =
        embedder.embed(&texts(entries, own), Purpose::Passage, VectorShape::sparse()).await?;
    let pairs = entries.iter().zip(&made);
    let cosines = pairs.filter_map(|(entry, made)| {
        Some(sparse_cosine(entry.embedding.sparse.as_ref()?, made.sparse.as_ref()?))
    });
    Ok(median(cosines.collect()))
}

/// What the likenesses mean; there is at least one.
fn judge_space(likenesses: &[Likeness], model: &str, texts: usize) -> Finding {
    let mut ranked: Vec<&Likeness> = likenesses.iter().collect();
    ranked.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
    let Some((best, rest)) = ranked.split_first() else {
        return Finding::ok(SPACE, "there is nothing to compare");
    };
    let shown = |likeness: &Likeness| format!("{} {:.3}", likeness.made, likeness.cosine);
    let others: Vec<String> = rest.iter().map(|likeness| shown(likeness)).collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    let measured =
        format!("median cosine of {texts} stored texts embedded again: {}{others}", shown(best));
    if best.cosine < RELATED {
        let what = format!("another model than {model} made the stored vectors ({measured})");
        let advice = "set EMBEDDING_MODEL (and ASKBOOK_EMBEDDER) to what made them, or index the \
                      book again; until then nothing that is found means anything";
        return Finding::error(SPACE, what, advice);
    }
    if best.cosine < SAME {
        let what = format!(
            "the stored vectors are of this space but not of the stored texts alone ({measured})"
        );
        let advice = "search works; if results are poor, index the book again";
        return Finding::note(SPACE, what, advice);
    }
    let own = ranked.iter().find(|made| made.own && made.cosine + ROUNDING >= best.cosine);
    let what = |made: &Likeness| {
        format!(
            "stored vectors were made with {}: cosine {:.3} ({measured})",
            made.made, made.cosine
        )
    };
    if let Some(own) = own {
        return Finding::ok(SPACE, what(own));
    }
    let advice = "search works, but passages are found best when they are embedded as \
                  RETRIEVAL_DOCUMENT: index the book again when convenient";
    Finding::warning(SPACE, what(best), advice)
}

fn judge_terms(cosine: f32, texts: usize) -> Finding {
    let measured = format!("median cosine of {texts} stored texts {cosine:.3}");
    if cosine >= SAME {
        return Finding::ok(TERMS, format!("stored terms are those of the settings ({measured})"));
    }
    let advice = "set ASKBOOK_LANGUAGE to the language that the index was made for, or index the \
                  book again";
    if cosine >= RELATED {
        let what = format!("stored terms are weighted or stemmed otherwise ({measured})");
        return Finding::warning(TERMS, what, advice);
    }
    let what = format!("stored terms are not those of the settings ({measured})");
    Finding::error(TERMS, what, advice)
}

fn is_zero(vector: &[f32]) -> bool {
    vector.iter().all(|&component| component == 0.0)
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    quotient(product(one, other), product(one, one), product(other, other))
}

fn sparse_cosine(one: &SparseVector, other: &SparseVector) -> f32 {
    let values: HashMap<u32, f32> =
        other.indices.iter().copied().zip(other.values.iter().copied()).collect();
    let pairs = one.indices.iter().zip(&one.values);
    let shared = pairs.filter_map(|(index, value)| Some(value * values.get(index)?)).sum();
    let square = |vector: &SparseVector| vector.values.iter().map(|value| value * value).sum();
    quotient(shared, square(one), square(other))
}

/// The cosine of vectors with this product and these squares; 0 with a vector of zeros.
fn quotient(product: f32, one: f32, other: f32) -> f32 {
    let lengths = (one * other).sqrt();
    if lengths > 0.0 { product / lengths } else { 0.0 }
}

/// The one in the middle, the lower of two; 0 without any.
fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;

fn port_error(error: anyhow::Error) -> PortError {
    let unknown = || PortError::new(ErrorKind::Misconfigured, "gemini cannot be called");
    error.downcast().unwrap_or_else(|_| unknown())
}
