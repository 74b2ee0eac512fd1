//! Writing: the first generator that can writes the answer, reviewed as it is written.

use std::sync::Arc;

use async_stream::try_stream;
use futures_core::Stream;
use futures_util::StreamExt;

use super::Delivery;
use crate::answer::{Leg, Loss, Mode};
use crate::error::{ErrorKind, PortError};
use crate::event::ChatEvent;
use crate::ports::{Generated, Generator, Usage};
use crate::prompt::Prompt;
use crate::review::{Checked, Readings, Review, Reviewed};

/// One step of writing an answer.
pub(super) enum Step {
    /// Something can be shown.
    Show(ChatEvent),
    /// The answer is written; always the last step.
    End(Written),
}

/// How writing an answer ended.
#[derive(Default)]
pub(super) struct Written {
    /// How the text came about, and the text; `None` for a refusal.
    pub(super) answer: Option<(Mode, Checked)>,
    /// The generator that should have written it, if another one had to.
    pub(super) loss: Option<Loss>,
    /// What wrote it.
    pub(super) model: Option<String>,
    /// What it cost.
    pub(super) usage: Usage,
}

/// Lets the generators write, one after the other until one has: whoever fails before anything
/// was shown is replaced by the next. Fails as the first one did.
pub(super) fn write(
    generators: Vec<Arc<dyn Generator>>,
    prompt: Prompt,
    readings: Arc<Readings>,
    delivery: Delivery,
) -> impl Stream<Item = Result<Step, PortError>> + Send {
    try_stream! {
        let mut failed: Option<PortError> = None;
        for generator in generators {
            let mut draft = Draft::new(&prompt, &readings);
            let mut shown = false;
            let ended = match generator.generate(prompt.clone()).await {
                Ok(mut pieces) => loop {
                    match pieces.next().await {
                        Some(Ok(piece)) => {
                            if let Err(error) = draft.add(piece) {
                                break Err(error);
                            }
                            if delivery == Delivery::Streamed {
                                for event in draft.events.drain(..) {
                                    shown = true;
                                    yield Step::Show(event);
                                }
                            }
                        }
                        Some(Err(error)) => break Err(error),
                        None => break draft.end(),
                    }
                },
                Err(error) => Err(error),
            };
            match ended {
                // Whoever quotes in place of a model and finds nothing to quote cannot say that
                // there is nothing.
                Ok(Ended { checked: None, .. })
                    if failed.is_some() && generator.mode() == Mode::Extractive => {}
                Ok(Ended { rest, checked, model, usage }) => {
                    for event in rest {
                        yield Step::Show(event);
                    }
                    let reason = failed.take().map(|error| error.kind());
                    yield Step::End(Written {
                        answer: checked.map(|checked| (generator.mode(), checked)),
                        loss: reason.map(|_| Loss { leg: Leg::Generator, reason }),
                        model: Some(model),
                        usage,
                    });
                    return;
                }
                Err(error) if shown || error.kind() == ErrorKind::Blocked => Err(error)?,
                Err(error) => {
                    tracing::warn!(model = generator.model(), %error, "no answer is written");
                    failed.get_or_insert(error);
                }
            }
        }
        Err(failed.unwrap_or_else(|| {
            PortError::new(ErrorKind::Misconfigured, "there is no generator to write an answer")
        }))?;
    }
}

/// The longest answer, in bytes: what is longer is no answer, and each piece is checked against
/// all passages.
const LONGEST: usize = 64 << 10;

/// An answer while it is being written.
struct Draft {
    review: Review,
    /// What can be shown and has not been.
    events: Vec<ChatEvent>,
    /// How much was written, in bytes...
    length: usize,
    /// ...and whether anything of it can be seen.
    written: bool,
    /// What wrote it, and what it cost, when it is complete.
    end: Option<(String, Usage)>,
}

impl Draft {
    fn new(prompt: &Prompt, readings: &Readings) -> Self {
        let review = Review::new(prompt, readings);
        Self { review, events: Vec::new(), length: 0, written: false, end: None }
    }

    fn add(&mut self, piece: Generated) -> Result<(), PortError> {
        match piece {
            Generated::Text(text) => {
                self.length += text.len();
                if self.length > LONGEST {
                    let message = format!("the answer is longer than {LONGEST} bytes");
                    return Err(PortError::new(ErrorKind::Malformed, message));
                }
                self.written |= !text.trim().is_empty();
                self.events.extend(self.review.add(&text).into_iter().map(ChatEvent::from));
            }
            Generated::End { model, usage } => self.end = Some((model, usage)),
        }
        Ok(())
    }

    fn end(self) -> Result<Ended, PortError> {
        let malformed = |message| PortError::new(ErrorKind::Malformed, message);
        let (model, usage) = self.end.ok_or_else(|| malformed("the answer broke off"))?;
        if !self.written {
            return Err(malformed("the answer is empty"));
        }
        let (reviewed, checked) = self.review.finish();
        let rest = self.events.into_iter().chain(reviewed.into_iter().map(ChatEvent::from));
        Ok(Ended { rest: rest.collect(), checked, model, usage })
    }
}

/// A text that was written to its end.
struct Ended {
    /// What has not been shown yet.
    rest: Vec<ChatEvent>,
    /// `None` when nothing of it is from the book.
    checked: Option<Checked>,
    model: String,
    usage: Usage,
}

impl From<Reviewed> for ChatEvent {
    fn from(reviewed: Reviewed) -> Self {
        match reviewed {
            Reviewed::Text(text) => Self::Delta(text),
            Reviewed::Citation(citation) => Self::Citation(citation),
        }
    }
}
