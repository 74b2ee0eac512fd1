//! The index: whether it was made as the settings ask for, and of the book as it is now.

use askbook::indexing;
use askbook::manifest::Manifest;

use super::Finding;
use crate::book::Reading;
use crate::indexer::{Indexer, Unasked};
use crate::store::Store;

const INDEX: &str = "index";
const RECIPE: &str = "recipe";
const BOOK: &str = "book";

/// The book, and the index of it.
pub(super) async fn findings(store: &Store, indexer: &Indexer) -> Vec<Finding> {
    let manifest = store.index.manifest().await;
    let book_again = indexer.book.clone();
    let reading = tokio::task::spawn_blocking(move || book_again.read_again()).await;
    let reading = reading.unwrap_or_else(|error| Err(error.into()));
    let mut findings = vec![book(&reading, indexer.unasked, matches!(manifest, Ok(Some(_))))];
    findings.extend(match manifest {
        Err(error) => vec![Finding::failure(INDEX, error)],
        Ok(None) => none(store, indexer.unasked, reading.is_ok()).await.into_iter().collect(),
        Ok(Some(manifest)) => {
            let mut findings = made(store, &manifest);
            if let Ok(reading) = &reading {
                findings.push(age(store, indexer.unasked, &manifest, reading).await);
            }
            findings
        }
    });
    findings
}

/// Whether the book can be read.
fn book(reading: &anyhow::Result<Reading>, unasked: Unasked, indexed: bool) -> Finding {
    match reading {
        Ok(reading) => {
            let what = match reading.pages {
                Some(pages) => format!("{pages} pages, {} passages", reading.passages.len()),
                None => format!("{} passages", reading.passages.len()),
            };
            match reading.findings.as_slice() {
                [] => Finding::ok(BOOK, what),
                [first, ..] => {
                    let count = reading.findings.len();
                    let what = format!("{what}; {count} parts are unclear, the first: {first}");
                    let advice = "`askbook index --dry-run` lists them all";
                    Finding::warning(BOOK, what, advice)
                }
            }
        }
        Err(error) => {
            let what = format!("it cannot be read: {error:#}");
            let advice = "set ASKBOOK_BOOK, or give its folder to `askbook index`";
            if indexed || unasked == Unasked::NotOurs {
                let what = format!("{what}; questions are answered from the index as it is");
                Finding::note(BOOK, what, advice)
            } else {
                Finding::error(BOOK, what, advice)
            }
        }
    }
}

/// Why there is nothing that can say how it was made.
async fn none(store: &Store, unasked: Unasked, readable: bool) -> Option<Finding> {
    match unasked {
        Unasked::NotOurs => None,
        Unasked::AtOnce | Unasked::Meanwhile if readable => {
            let why = store.retriever.shape().await.err().map(|error| error.to_string());
            let what = why.unwrap_or_else(|| "there is none yet".to_owned());
            Some(Finding::note(INDEX, what, "`askbook serve` makes it, or `askbook index` now"))
        }
        _ => match store.retriever.shape().await {
            Ok(_) => None,
            Err(error) => {
                let what = format!("{:#}", anyhow::Error::new(error));
                Some(Finding::error(INDEX, what, "run `askbook index` with the folder of the book"))
            }
        },
    }
}

/// How it was made.
fn made(store: &Store, manifest: &Manifest) -> Vec<Finding> {
    let Manifest { recipe, passages, .. } = manifest;
    let what = format!("{} holds {passages} passages: {recipe}", store.place());
    let recipe = match store.wanted.check(recipe) {
        Ok(()) => Finding::ok(RECIPE, "the index was made as the settings ask for"),
        Err(error) => Finding::failure(RECIPE, error),
    };
    vec![Finding::ok(INDEX, what), recipe]
}

/// What has changed in the book since.
async fn age(store: &Store, unasked: Unasked, manifest: &Manifest, reading: &Reading) -> Finding {
    const CODE: &str = "index-age";
    let recipe = manifest.recipe.clone();
    let plan = match indexing::plan(&reading.passages, recipe, store.index.as_ref()).await {
        Ok(plan) => plan,
        Err(error) => return Finding::failure(CODE, error),
    };
    let [added, changed, removed] = [&plan.added, &plan.changed, &plan.removed].map(Vec::len);
    if added + changed + removed == 0 {
        return Finding::ok(CODE, "the index is of the book as it is now");
    }
    let what = format!(
        "the book has changed since it was indexed: passages added {added}, changed {changed}, \
         removed {removed}"
    );
    let advice = "run `askbook index`";
    match unasked {
        Unasked::AtOnce | Unasked::Meanwhile => {
            Finding::note(CODE, format!("{what}; `askbook serve` indexes it again"), advice)
        }
        Unasked::Never | Unasked::NotOurs => Finding::warning(CODE, what, advice),
    }
}

#[cfg(test)]
mod tests;
