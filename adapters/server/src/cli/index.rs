//! `askbook index`.

use std::pin::pin;

use anyhow::{Context as _, anyhow, bail};
use askbook::indexing::Changes;
use askbook::passage::PassageId;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::arguments::IndexArguments;
use super::{complain, print, shutdown};
use crate::book::Reading;
use crate::config::{Config, RetrieverChoice};
use crate::cost::Estimate;
use crate::indexer::{Extent, Indexer};
use crate::wiring::{self, Models, Pace};

/// Indexes the book and remembers which one that was; or says what that would do.
pub(super) async fn index(config: &Config, wanted: &IndexArguments) -> anyhow::Result<()> {
    if let (RetrieverChoice::Memory, false) = (&config.retriever, wanted.dry_run) {
        bail!(
            "an index in memory ends with this command: set ASKBOOK_RETRIEVER to qdrant or edge; \
             for memory, `askbook serve` indexes the book itself"
        );
    }
    let mut shutdown = pin!(shutdown().context("cannot listen to signals")?);
    let models = Models::of(config);
    let embedder = models.embedder(Pace::Owner)?;
    let store = wiring::store(config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(&models, &store)?;
    let reading = tokio::select! {
        reading = indexer.read() => reading?,
        () = &mut shutdown => bail!("interrupted"),
    };
    for finding in &reading.findings {
        complain(finding);
    }
    if wanted.dry_run {
        return dry_run(config, wanted, &indexer, &reading).await;
    }

    // Draws on stderr, and on a terminal only.
    let bar = ProgressBar::no_length().with_style(
        ProgressStyle::with_template("{pos}/{len} passages {wide_bar} {eta} left")
            .context("cannot draw progress")?,
    );
    let findings = reading.findings.len();
    let mut progress = None;
    let indexing = indexer.index(reading, |changes, done| {
        bar.set_length(changes.embedded() as u64);
        bar.set_position(done as u64);
        progress = Some((done, changes.embedded()));
    });
    let result = tokio::select! {
        result = indexing => result,
        () = &mut shutdown => Err(anyhow!("interrupted")),
    };
    bar.finish_and_clear();
    let (extent, changes) = result.map_err(|error| match progress {
        Some((done, all)) if all > 0 => anyhow!(
            "{error:#}\n{done} of {all} passages are embedded and kept, and nothing else has \
             changed: run the same command again to go on from there"
        ),
        _ => error,
    })?;
    config.book().remember(&config.settings.data_dir)?;

    if wanted.json {
        return print(format_args!(
            "{:#}\n",
            summary(config, store.place(), extent, &changes, findings)
        ));
    }
    print(format_args!(
        "indexed {extent} of {} into {}\n{}; {} embedded\n{}an askbook that is running serves it \
         in a moment\n",
        config.settings.book,
        store.place(),
        counts(&changes),
        changes.embedded(),
        if wanted.verbose { list(&changes) } else { String::new() },
    ))
}

/// Says what indexing would do; as JSON, which passages there would be.
async fn dry_run(
    config: &Config,
    wanted: &IndexArguments,
    indexer: &Indexer,
    reading: &Reading,
) -> anyhow::Result<()> {
    if wanted.json {
        let line = |passage: &askbook::passage::Passage| {
            let (id, url) = (&passage.id.0, &passage.url);
            let (title, text) = (&passage.title, &passage.text);
            format!("{}\n", json!({ "id": id, "url": url, "title": title, "text": text }))
        };
        return print(reading.passages.iter().map(line).collect::<String>());
    }
    let changes = indexer.plan(reading).await?;
    print(format_args!(
        "a dry run, nothing is written: {} of {} into {}\n{}\n{}{}\n",
        Extent::of(reading),
        config.settings.book,
        indexer.wanted.place,
        counts(&changes),
        if wanted.verbose { list(&changes) } else { String::new() },
        Estimate::new(config, changes.embedded(), changes.embedded_bytes),
    ))
}

fn unchanged(changes: &Changes) -> usize {
    changes.manifest.passages - changes.embedded()
}

fn counts(changes: &Changes) -> String {
    format!(
        "{} added, {} changed, {} removed, {} unchanged",
        changes.added.len(),
        changes.changed.len(),
        changes.removed.len(),
        unchanged(changes)
    )
}

/// Each change on a line of its own.
fn list(changes: &Changes) -> String {
    let lines = |sign: char, ids: &[PassageId]| -> String {
        ids.iter().map(|id| format!("{sign} {}\n", id.0)).collect()
    };
    let Changes { added, changed, removed, .. } = changes;
    [lines('+', added), lines('~', changed), lines('-', removed)].concat()
}

fn summary(
    config: &Config,
    place: &str,
    extent: Extent,
    changes: &Changes,
    findings: usize,
) -> serde_json::Value {
    json!({
        "book": config.settings.book.to_string(),
        "index": place,
        "pages": extent.pages,
        "passages": extent.passages,
        "added": changes.added.len(),
        "changed": changes.changed.len(),
        "removed": changes.removed.len(),
        "unchanged": unchanged(changes),
        "embedded": changes.embedded(),
        "findings": findings,
    })
}
