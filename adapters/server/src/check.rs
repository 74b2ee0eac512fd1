//! The doctor: what is wrong with the settings and with what they lead to, and what to do.
//!
//! Each module looks at one thing, and all look, whatever the others find. Calls to services are
//! those that cost nothing, but for a few texts that are embedded again; none takes longer than
//! `ASKBOOK_UPSTREAM_TIMEOUT_MS`. Nothing is changed.

mod collection;
mod finding;
mod folder;
mod gemini;
mod index;
mod links;
mod models;
mod origins;
mod parts;
mod space;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::print;
use crate::config::{Config, RetrieverChoice};
use crate::store::Store;
use crate::wiring::{self, Models, Pace};
use finding::{Finding, Level};

/// How many entries of the index are looked at.
const LOOKED_AT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Checks everything that the settings lead to and prints what was found; fails when there is an
/// error among it.
///
/// # Errors
/// What was found cannot be printed.
pub(crate) async fn run(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let findings = findings(config).await;
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    if as_json {
        print(format_args!("{}\n", json!({ "findings": findings, "errors": errors })))?;
    } else {
        let warnings = findings.iter().filter(|finding| finding.level == Level::Warning).count();
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let counts = format!("errors: {errors}, warnings: {warnings}");
        print(format_args!("{}\n\n{counts}\n", lines.join("\n")))?;
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = parts::findings(config);
    let needed =
        !matches!(config.retriever, RetrieverChoice::Memory | RetrieverChoice::Qdrant { .. });
    findings.push(folder::finding(&config.settings.data_dir, needed));
    findings.extend(origins::findings(config));
    findings.extend(models::findings(config).await);
    match found(config).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::misconfiguration("wiring", &error)),
    }
    findings
}

/// What questions find their passages in.
async fn found(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let models = Models::of(config);
    let embedder = models.embedder(Pace::Reader)?;
    let store = wiring::store(config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(&models, &store)?;
    let mut findings = Vec::new();
    if let RetrieverChoice::Qdrant { address, collection } = &config.retriever {
        match wiring::qdrant(config, address, collection)?.describe().await {
            Ok(description) => findings.extend(collection::findings(&description)),
            Err(error) => {
                // Whatever else is asked there would fail in the same way.
                findings.push(Finding::failure("collection", error));
                return Ok(findings);
            }
        }
    }
    findings.extend(index::findings(&store, &indexer).await);
    findings.extend(search(config, &store).await);
    // Where nothing can be read it has been said why.
    if let Ok(page) = store.corpus.page(None, LOOKED_AT, true).await {
        let own = matches!(store.index.manifest().await, Ok(Some(_)));
        let entries = &page.entries;
        findings.extend(space::findings(config, embedder.as_ref(), entries, own).await);
        findings.extend(links::findings(entries, config.settings.site_url.as_deref()));
    }
    Ok(findings)
}

/// By which vectors questions are searched. Where they cannot be, it has been said why.
async fn search(config: &Config, store: &Store) -> Option<Finding> {
    const CODE: &str = "search";
    let shape = store.retriever.shape().await.ok()?;
    if shape.sparse {
        return Some(Finding::ok(CODE, format!("questions are searched by {shape}")));
    }
    let advice = match config.embedder.name() {
        "hybrid" => "`askbook serve` makes a copy of the collection that is searched by terms too",
        _ => "set ASKBOOK_EMBEDDER to hybrid to search by terms too",
    };
    Some(Finding::note(CODE, format!("questions are searched by {shape} alone"), advice))
}
