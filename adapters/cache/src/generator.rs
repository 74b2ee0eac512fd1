use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::answer::Mode;
use askbook::error::PortError;
use askbook::follow_up::FollowUp;
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::session::MessageId;
use async_stream::stream;
use async_trait::async_trait;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::key::Key;
use crate::store::{Lookup, Store, Weighty};

/// The answers to first questions, for a while. Clones are the same memory, which several
/// generators can share.
#[derive(Clone)]
pub struct Answers(Arc<Shared>);

struct Shared {
    store: Store<Answer>,
    time_to_live: Duration,
}

struct Answer {
    text: String,
    /// What wrote it, as it names itself.
    model: String,
    /// When it is worth nothing any more.
    until: Instant,
}

impl Weighty for Answer {
    const TYPICAL: usize = size_of::<Self>() + 1_000;

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.capacity() + self.model.capacity()
    }
}

/// What a model is told, but for what is the same for all questions and the mark of the prompt.
#[derive(Hash)]
struct Told<'a> {
    model: &'a str,
    question: &'a str,
    standalone: Option<&'a str>,
    selected_text: Option<&'a str>,
    page: Option<&'a str>,
    /// Title, headings and text.
    passages: Vec<(&'a str, &'a [String], &'a str)>,
}

impl Answers {
    /// A memory of at most so many bytes, in which an answer lives so long.
    pub fn new(bytes: NonZeroUsize, time_to_live: Duration) -> Self {
        Self(Arc::new(Shared { store: Store::new("answer", bytes), time_to_live }))
    }

    /// How much is kept, in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.store.bytes()
    }

    /// The name of what this model is told, unless a conversation is part of it: that is never said
    /// again.
    fn key(&self, model: &str, prompt: &Prompt) -> Option<Key> {
        let Prompt { mark: _, question, standalone, passages, history } = prompt;
        let passages = passages.iter().map(|hit| &hit.passage);
        let told = || Told {
            model,
            question: question.text(),
            standalone: standalone.as_deref(),
            selected_text: question.selected_text(),
            page: question.page(),
            passages: passages
                .map(|passage| (&*passage.title, &*passage.headings, &*passage.text))
                .collect(),
        };
        history.is_empty().then(|| self.0.store.key(&told()))
    }

    /// The answer of this name, as the model wrote it. No token is paid for again.
    fn recall(&self, key: Key) -> Option<Generation> {
        let store = &self.0.store;
        let now = Instant::now();
        let answer = store.get(key).filter(|answer| now < answer.until);
        let Some(answer) = answer else {
            store.forget(key, |answer| answer.until <= now);
            store.count(Lookup::Miss, 1);
            return None;
        };
        store.count(Lookup::Hit, 1);
        let Answer { text, model, .. } = &*answer;
        let end = Generated::End { model: model.clone(), usage: Usage::default() };
        let pieces = [Ok(Generated::Text(text.clone())), Ok(end)];
        Some(Box::pin(futures_util::stream::iter(pieces)))
    }

    /// The pieces; when they have come to their end, they are kept.
    fn keep(&self, key: Key, mark: MessageId, mut pieces: Generation) -> Generation {
        let answers = self.clone();
        Box::pin(stream! {
            let mut text = String::new();
            while let Some(piece) = pieces.next().await {
                match &piece {
                    Ok(Generated::Text(more)) => text.push_str(more),
                    Ok(Generated::End { model, .. }) if is_worth_keeping(&text, mark) => {
                        let Shared { store, time_to_live } = &*answers.0;
                        let (text, model) = (std::mem::take(&mut text), model.clone());
                        let until = Instant::now() + *time_to_live;
                        store.keep(key, Answer { text, model, until });
                    }
                    Ok(Generated::End { .. }) | Err(_) => {}
                }
                yield piece;
            }
        })
    }
}

/// Whether a text cites a passage and does not name the mark of its prompt. Without a citation
/// readers are told that the book does not say, and the next one may have better luck; and a mark
/// that has leaked is taken away only from the reply that it belongs to.
fn is_worth_keeping(text: &str, MessageId(mark): MessageId) -> bool {
    let mut behind_brackets = text.split('[').skip(1).map(str::trim_start);
    let cites = behind_brackets.any(|behind| behind.starts_with(|c: char| c.is_ascii_digit()));
    // Every form of a mark begins so.
    let beginning = format!("{:08x}", mark.as_fields().0);
    cites && !text.to_lowercase().contains(&beginning)
}

/// A generator that remembers what it wrote for questions without a conversation.
///
/// Only answers that came to their end are kept, and nobody waits for those of others: a reader who
/// leaves takes nothing away from anybody. What needs a conversation is passed on, and so is every
/// follow-up that is to be condensed.
///
/// Whether a call would be let through ([`admits`](Generator::admits)) is what the generator says:
/// nobody knows then whether the answer will be found. So a kept answer needs, while the generator
/// is left alone, another one behind it that would write.
pub struct CachedGenerator {
    generator: Arc<dyn Generator>,
    answers: Answers,
}

impl CachedGenerator {
    /// This generator, with this memory.
    pub fn new(generator: Arc<dyn Generator>, answers: Answers) -> Self {
        Self { generator, answers }
    }
}

#[async_trait]
impl Generator for CachedGenerator {
    fn model(&self) -> &str {
        self.generator.model()
    }

    fn mode(&self) -> Mode {
        self.generator.mode()
    }

    fn admits(&self) -> Result<(), PortError> {
        self.generator.admits()
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let Some(key) = self.answers.key(self.model(), &prompt) else {
            return self.generator.generate(prompt).await;
        };
        // A reader who wants another answer gets one, and the next readers get it, too.
        if !prompt.question.is_anew()
            && let Some(answer) = self.answers.recall(key)
        {
            return Ok(answer);
        }
        let mark = prompt.mark;
        let pieces = self.generator.generate(prompt).await?;
        Ok(self.answers.keep(key, mark, pieces))
    }

    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        self.generator.condense(follow_up).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.generator.ready().await
    }
}
