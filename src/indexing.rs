//! Indexing: from the book's passages to an index in service.

use sha2::{Digest, Sha256};

use crate::embedding::Purpose;
use crate::error::PortError;
use crate::passage::Passage;
use crate::ports::{Embedder, Entry, Index};

/// How many passages are embedded between two reports of progress.
const BATCH: usize = 100;

/// Changes whenever passages are cut or written for the index in another way, so that an index
/// made the old way is made anew.
const SCHEME: &str = "1";

/// Names what an index of these passages is made from: the passages, the embedder's space, the
/// shape and the scheme. Equal names mean equal indexes.
pub fn fingerprint(passages: &[Passage], embedder: &dyn Embedder) -> String {
    let mut hash = Sha256::new();
    add(&mut hash, SCHEME);
    add(&mut hash, embedder.space());
    add(&mut hash, &embedder.preferred_shape().to_string());
    for Passage { id, title, headings, url, text } in passages {
        add(&mut hash, &id.0);
        add(&mut hash, title);
        for heading in headings {
            add(&mut hash, heading);
        }
        add(&mut hash, url.as_deref().unwrap_or_default());
        add(&mut hash, text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Embeds the passages and puts an index of them into service.
///
/// `progress` is told how many passages have been embedded so far.
///
/// # Errors
/// Whatever the ports fail with; the index in service is then the old one.
pub async fn index(
    passages: Vec<Passage>,
    embedder: &dyn Embedder,
    index: &dyn Index,
    mut progress: impl FnMut(usize) + Send,
) -> Result<(), PortError> {
    let shape = embedder.preferred_shape();
    let fingerprint = fingerprint(&passages, embedder);
    let mut entries = Vec::with_capacity(passages.len());
    let mut passages = passages.into_iter();
    loop {
        let batch: Vec<Passage> = passages.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let texts: Vec<String> = batch.iter().map(Passage::indexed_text).collect();
        let embeddings = embedder.embed(&texts, Purpose::Passage, shape).await?;
        let pairs = batch.into_iter().zip(embeddings);
        entries.extend(pairs.map(|(passage, embedding)| Entry { passage, embedding }));
        progress(entries.len());
    }
    index.replace(&fingerprint, shape, entries).await
}

/// Adds a text, closed by a byte that UTF-8 never holds: ("ab", "c") and ("a", "bc") differ.
fn add(hash: &mut Sha256, text: &str) {
    hash.update(text);
    hash.update([0xff]);
}
