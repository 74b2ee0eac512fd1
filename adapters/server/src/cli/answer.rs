//! `askbook ask` and `askbook search`.

use std::sync::Arc;

use askbook::chat::collect;
use askbook::passage::{Hit, Scores};
use askbook::ports::Embedder;
use askbook::question::Question;
use askbook::search::Found;
use askbook::selection::Candidate;

use super::arguments::SearchArguments;
use super::print;
use crate::config::Config;
use crate::store::Store;
use crate::wiring::{self, Pace};

/// How much of a passage is shown to people, in characters.
const EXCERPT: usize = 300;

/// Answers one question.
pub(super) async fn ask(config: &Config, question: &str, as_json: bool) -> anyhow::Result<()> {
    let question = Question::new(question, None, None, wiring::question_limits(config))?;
    let (embedder, store) = searchable(config).await?;
    let chat = wiring::chat(config, embedder, &store)?;
    let answer = collect(chat.ask(question, None)).await?;
    if as_json {
        return print(format_args!("{}\n", askbook_http::answer_json(answer)?));
    }
    let mut text = format!("{}\n", answer.text);
    if !answer.sources.is_empty() {
        text += "\nSources\n";
    }
    for source in &answer.sources {
        let url = source.passage.url.as_deref().unwrap_or("(no address)");
        text += &format!("[{}] {}\n    {url}\n", source.number, source.passage.breadcrumb());
    }
    print(text)
}

/// Finds passages for one question.
pub(super) async fn search(config: &Config, wanted: &SearchArguments) -> anyhow::Result<()> {
    let limits = wiring::question_limits(config);
    let question = Question::new(&wanted.question, None, wanted.page.as_deref(), limits)?;
    let (embedder, store) = searchable(config).await?;
    let search = wiring::search(config, embedder, &store);
    let found = search.find(&question, wanted.limit).await?;
    if wanted.json {
        return print(format_args!("{}\n", askbook_http::found_json(found, wanted.debug)?));
    }
    print(found_text(&found, wanted.debug))
}

/// An embedder and a store with an index in it, as far as that can be made at once.
async fn searchable(config: &Config) -> anyhow::Result<(Arc<dyn Embedder>, Store)> {
    let embedder = wiring::embedder(config, Pace::Reader)?;
    let store = wiring::store(config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(config, &store)?;
    indexer.ensure().await?;
    store.ensure_mirror().await;
    Ok((embedder, store))
}

fn found_text(found: &Found, debug: bool) -> String {
    let mut text = String::new();
    for (number, Hit { passage, scores }) in (1..).zip(&found.passages) {
        let url = passage.url.as_deref().unwrap_or("(no address)");
        let words = passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut excerpt: String = words.chars().take(EXCERPT).collect();
        if excerpt.len() < words.len() {
            excerpt.push('…');
        }
        let heading = passage.breadcrumb();
        let scores = scores_text(scores);
        text += &format!("{number}. {heading} ({scores})\n   {url}\n   {excerpt}\n\n");
    }
    if found.passages.is_empty() {
        text += "nothing is found\n";
    } else if !found.evidence.sufficient {
        text += "not enough to answer from: `askbook ask` would refuse\n";
    }
    if found.degraded {
        text += "a part of the search is out of order: the log says which\n";
    }
    if debug {
        text += &debug_text(found);
    }
    text
}

fn debug_text(found: &Found) -> String {
    let evidence = &found.evidence;
    let mut text = format!("\nevidence: {:.2} of the question is covered", evidence.coverage);
    if let Some(agreement) = evidence.agreement {
        text += &format!(", the rankings agree by {agreement:.2}");
    }
    if let Some(dense) = evidence.dense {
        text += &format!(", the best cosine is {dense:.3}");
    }
    if !evidence.missing.is_empty() {
        text += &format!(", no passage has {}", evidence.missing.join(", "));
    }
    text += "\n\nrank  dense  terms  verdict        passage\n";
    let place = |rank: Option<usize>| rank.map_or("-".to_owned(), |rank| rank.to_string());
    for Candidate { fused, verdict } in &found.candidates {
        text += &format!(
            "{:>4}  {:>5}  {:>5}  {:<13}  {}\n",
            fused.hit.scores.fused_rank,
            place(fused.dense_rank),
            place(fused.lexical_rank),
            verdict,
            fused.hit.passage.id.0,
        );
    }
    text
}

fn scores_text(scores: &Scores) -> String {
    let named = [("dense", scores.dense), ("terms", scores.lexical)];
    let scores =
        named.into_iter().filter_map(|(name, score)| Some(format!("{name} {:.3}", score?)));
    scores.collect::<Vec<_>>().join(", ")
}
