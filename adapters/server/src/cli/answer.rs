//! `askbook ask` and `askbook search`.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use askbook::answer::{Answer, Leg, Loss, Mode, Outcome};
use askbook::chat::{Ask, Delivery, collect};
use askbook::event::ChatEvent;
use askbook::passage::{Hit, Scores};
use askbook::ports::Embedder;
use askbook::prompt::Rendered;
use askbook::question::Question;
use askbook::search::{Found, Query};
use askbook::selection::Candidate;
use askbook::session::MessageId;
use futures_util::StreamExt as _;
use uuid::Uuid;

use super::arguments::{AskArguments, SearchArguments};
use super::print;
use crate::config::Config;
use crate::store::Store;
use crate::wiring::{self, Models, Pace};

/// How much of a passage is shown to people, in characters.
const EXCERPT: usize = 300;

/// Answers one question, or shows what a model would be given to answer it.
pub(super) async fn ask(config: &Config, wanted: &AskArguments) -> anyhow::Result<()> {
    let AskArguments { question, selected_text, page, .. } = wanted;
    let limits = wiring::question_limits(config);
    let question = Question::new(question, selected_text.as_deref(), page.as_deref(), limits)?;
    let models = Models::of(config);
    let (embedder, store) = searchable(&models).await?;
    let chat = wiring::chat(&models, embedder, &store)?;
    let ask = Ask::once(MessageId(Uuid::new_v4()), question);
    if wanted.show_prompt {
        let Rendered { system, user } = chat.prompt(ask).await?.render();
        return print(format_args!("--- system ---\n\n{system}\n\n--- user ---\n\n{user}"));
    }
    if wanted.json {
        let answer = collect(Box::pin(chat.ask(ask))).await?;
        return print(format_args!("{}\n", askbook_http::answer_json(answer)?));
    }
    // Whoever reads along may see how it is written; whatever else reads is given a whole answer.
    let delivery = if io::stdout().is_terminal() { Delivery::Streamed } else { Delivery::Whole };
    let mut events = Box::pin(chat.ask(Ask { delivery, ..ask }));
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::Delta(text) => print(text)?,
            ChatEvent::Done(answer) => print(answer_text(&answer))?,
            ChatEvent::Failed { error, incomplete } => {
                if incomplete {
                    print("\n\nThe answer is incomplete.\n")?;
                }
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is told of an answer once its text is there, and the text of a refusal.
fn answer_text(answer: &Answer) -> String {
    let mut text = match answer.outcome {
        Outcome::Answered => "\n".to_owned(),
        Outcome::NotInBook => format!("{}\n", answer.text),
    };
    if !answer.sources.is_empty() {
        text += "\nSources\n";
    }
    for source in &answer.sources {
        let url = source.passage.url.as_deref().unwrap_or("(no address)");
        text += &format!("[{}] {}\n    {url}\n", source.number, source.passage.breadcrumb());
    }
    if !answer.suggestions.is_empty() {
        text += "\nThe nearest pages\n";
    }
    for suggestion in &answer.suggestions {
        text += &format!("{}\n    {}\n", suggestion.title, suggestion.url);
    }
    let mut notes = Vec::new();
    if answer.mode == Some(Mode::Extractive) {
        notes.push("quoted from the book: no model wrote this".to_owned());
    }
    if !answer.unsupported.is_empty() {
        let said = answer.unsupported.iter().map(|unsupported| unsupported.text.as_str());
        notes.push(format!("no passage says: {}", said.collect::<Vec<_>>().join(", ")));
    }
    notes.extend(answer.losses.iter().copied().map(loss_text));
    for note in &notes {
        text += &format!("\n({note})");
    }
    if !notes.is_empty() {
        text += "\n";
    }
    text
}

fn loss_text(loss: Loss) -> String {
    let without = match loss.leg {
        Leg::Embedder => "the embedder is out of order: searched by terms alone",
        Leg::Retriever => "a part of the search is out of order: something may be missing",
        Leg::Generator => "the model did not answer: another one stood in for it",
    };
    match loss.reason {
        Some(reason) => format!("{without} ({reason})"),
        None => without.to_owned(),
    }
}

/// Finds passages for one question.
pub(super) async fn search(config: &Config, wanted: &SearchArguments) -> anyhow::Result<()> {
    let limits = wiring::question_limits(config);
    let question = Question::new(&wanted.question, None, wanted.page.as_deref(), limits)?;
    let (embedder, store) = searchable(&Models::of(config)).await?;
    let search = wiring::search(config, embedder, &store);
    let found = search.find(Query::from(&question), wanted.limit).await?;
    if wanted.json {
        return print(format_args!("{}\n", askbook_http::found_json(found, wanted.debug)?));
    }
    print(found_text(&found, wanted.debug))
}

/// An embedder and a store with an index in it, as far as that can be made at once.
async fn searchable(models: &Models<'_>) -> anyhow::Result<(Arc<dyn Embedder>, Store)> {
    let embedder = models.embedder(Pace::Reader)?;
    let store = wiring::store(models.config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(models, &store)?;
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
    for &loss in &found.losses {
        text += &format!("{}\n", loss_text(loss));
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
