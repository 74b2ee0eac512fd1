//! `askbook ask` and `askbook search`.

use std::sync::Arc;

use askbook::answer::{Answer, Outcome, Source};
use askbook::chat::collect;
use askbook::passage::{Hit, Scores};
use askbook::ports::Embedder;
use askbook::question::Question;
use askbook::search::Found;
use askbook::selection::{Candidate, Verdict};
use serde_json::{Value, json};

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
        return print(format_args!("{:#}\n", answer_json(&answer)));
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
        return print(format_args!("{:#}\n", found_json(&found, wanted.debug)));
    }
    print(found_text(&found, wanted.debug))
}

/// An embedder and a store with an index in it, as far as that can be made at once.
async fn searchable(config: &Config) -> anyhow::Result<(Arc<dyn Embedder>, Store)> {
    let embedder = wiring::embedder(config, Pace::Reader)?;
    let store = wiring::store(config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(config, &store)?;
    if indexer.ensure().await?.is_none() {
        indexer.renew().await?;
    }
    store.ensure_mirror().await;
    Ok((embedder, store))
}

fn answer_json(answer: &Answer) -> Value {
    let source = |Source { number, passage, quote, scores }: &Source| {
        json!({
            "number": number,
            "title": passage.title,
            "section": passage.section(),
            "url": passage.url,
            "quote": quote,
            "scores": scores_json(scores),
        })
    };
    json!({
        "answer": answer.text,
        "outcome": match answer.outcome {
            Outcome::Answered => "answered",
            Outcome::NotInBook => "not_in_book",
        },
        "sources": answer.sources.iter().map(source).collect::<Vec<_>>(),
        "model": answer.model,
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
        },
    })
}

fn found_json(found: &Found, debug: bool) -> Value {
    let result = |Hit { passage, scores }: &Hit| {
        json!({
            "id": passage.id.0,
            "title": passage.title,
            "headings": passage.headings,
            "url": passage.url,
            "text": passage.text,
            "scores": scores_json(scores),
        })
    };
    let mut value = json!({
        "results": found.passages.iter().map(result).collect::<Vec<_>>(),
        "sufficient": found.evidence.sufficient,
        "degraded": found.degraded,
    });
    if debug {
        value["debug"] = debug_json(found);
    }
    value
}

fn debug_json(found: &Found) -> Value {
    let candidate = |candidate: &Candidate| {
        let Candidate { fused, verdict } = candidate;
        measured(json!({
            "id": fused.hit.passage.id.0,
            "url": fused.hit.passage.url,
            "heading": fused.hit.passage.section(),
            "dense_rank": fused.dense_rank,
            "lexical_rank": fused.lexical_rank,
            "fused_rank": fused.hit.scores.fused_rank,
            "scores": scores_json(&fused.hit.scores),
            "verdict": verdict_name(*verdict),
        }))
    };
    let evidence = &found.evidence;
    json!({
        "candidates": found.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "evidence": measured(json!({
            "coverage": evidence.coverage,
            "agreement": evidence.agreement,
            "dense": evidence.dense,
            "missing": evidence.missing,
            "sufficient": evidence.sufficient,
        })),
    })
}

fn scores_json(scores: &Scores) -> Value {
    let Scores { dense, lexical, fused_rank } = scores;
    measured(json!({ "dense": dense, "lexical": lexical, "fused_rank": fused_rank }))
}

/// An object without what was not measured; unknown texts stay as `null`.
fn measured(mut object: Value) -> Value {
    const MEASURES: [&str; 5] = ["agreement", "dense", "dense_rank", "lexical", "lexical_rank"];
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, value| !value.is_null() || !MEASURES.contains(&name.as_str()));
    }
    object
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "kept",
        Verdict::Duplicate => "duplicate",
        Verdict::OtherEdition => "other_edition",
        Verdict::PageFull => "page_full",
        Verdict::BeyondBudget => "beyond_budget",
        Verdict::BeyondLimit => "beyond_limit",
    }
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
            verdict_name(*verdict),
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
